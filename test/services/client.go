package services

import (
	"bufio"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Environment variables: the socket of the run, and that this process is to hold
// one for the process that started it.
const (
	socketVariable = "ATELIER_TEST_SERVICES"
	holdVariable   = "ATELIER_TEST_SERVICES_HOLD"
)

// take is a part of a service for a test, dropped with it.
func take(t testing.TB, service string) (address string) {
	t.Helper()
	var p Part
	must(t, request("Take", service, &p))
	t.Cleanup(func() { must(t, request("Drop", p, new(struct{}))) })
	return p.Address
}

// ask is the address of what a service gives out to all alike.
func ask(service string) (address string, err error) {
	var p Part
	err = request("Take", service, &p)
	return p.Address, err
}

// request goes to the run around this process, or to one of its own.
func request(method string, arg, reply any) error {
	socket := os.Getenv(socketVariable)
	switch {
	case held != nil:
		return held.Take(arg.(string), reply.(*Part)) // one service asks for another
	case socket != "":
		endWithParent(syscall.SIGKILL)
	default:
		var err error
		if socket, err = ownRun(); err != nil {
			return err
		}
	}
	c, err := rpc.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("services: the run around this test is gone: %w", err)
	}
	defer c.Close()
	return c.Call("Run."+method, arg, reply)
}

// endWithParent has the kernel send this process a signal when its parent ends.
// With it a run that is killed takes down the command that it runs, that command
// the test binaries, and each of those the servers of its own.
func endWithParent(s syscall.Signal) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(s), 0)
}

// ownRun starts a second process of this binary, which holds a run until this
// process, and with it the other end of the second one's input, is gone. So this
// one has no goroutine or thread that must outlive its tests.
var ownRun = sync.OnceValues(func() (socket string, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), holdVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, lifeline, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer input.Close()
	said, output, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer said.Close()
	cmd.Stdin, cmd.Stdout = input, output
	if err := cmd.Start(); err != nil {
		return "", err
	}
	lifelines = append(lifelines, lifeline)
	output.Close()
	socket, err = bufio.NewReader(said).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("services: start a run for this test binary: %w", err)
	}
	return strings.TrimSpace(socket), nil
})

// lifelines are kept from the garbage collector, which would close them.
var lifelines []*os.File

// init is where the second process of ownRun leaves the way of the first.
func init() {
	if os.Getenv(holdVariable) == "" {
		return
	}
	socket, stop, err := hold()
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(socket)
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	os.Exit(0)
}
