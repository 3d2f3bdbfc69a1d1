// Command services runs another command with the services that tests need:
//
//	services go test ./...
//
// Each is started when the first test asks for it, shared by all test binaries
// of the run, and stopped at the end whatever happens.
package main

import (
	"fmt"
	"os"

	"atelier/test/services"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: services command [argument …]")
		os.Exit(2)
	}
	code, err := services.Run(os.Args[1:]...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
