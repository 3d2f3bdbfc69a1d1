// Command services runs another command with the services that tests need:
//
//	services go test ./...
//
// It starts Postgres, hands its address down in the environment and stops it
// whatever happens.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"atelier/test/services"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: services command [argument …]")
		os.Exit(2)
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	began := time.Now()
	template, err := services.Template()
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(filepath.Dir(template))
	os.Setenv(services.TemplateVariable, template)
	postgres, err := services.StartPostgres()
	if err != nil {
		return 1, err
	}
	defer postgres.Stop()
	fmt.Fprintf(os.Stderr, "services: Postgres is ready after %.1f s\n", time.Since(began).Seconds())

	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), services.PostgresVariable+"="+postgres.URL("postgres"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-stop:
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		return 130, fmt.Errorf("services: interrupted")
	}
	return cmd.ProcessState.ExitCode(), nil
}
