// Command summary reads the output of go test -json and tells it to people: a
// line for each package, the whole output of tests that failed, and a last line
// that counts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	output := map[string]*strings.Builder{} // of tests and packages under way
	counts := map[string]int{}
	failed := false
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // of the build, not of a test
			failed = true
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			if output[key] == nil {
				output[key] = &strings.Builder{}
			}
			output[key].WriteString(e.Output)
		case "build-output":
			fmt.Print(e.Output)
		case "pass", "fail", "skip":
			if e.Test != "" {
				counts[e.Action]++
			}
			if e.Action == "fail" {
				failed = true
				if b := output[key]; b != nil {
					fmt.Printf("\n--- output of %s\n%s\n", strings.TrimSpace(key), b)
				}
			}
			if e.Test == "" && e.Action != "skip" {
				fmt.Printf("%-5s %-45s %6.1f s\n", e.Action, e.Package, e.Elapsed)
			}
			delete(output, key)
		}
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", counts["pass"], counts["fail"], counts["skip"])
	if failed || lines.Err() != nil || counts["fail"] > 0 {
		os.Exit(1)
	}
}
