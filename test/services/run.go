package services

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// Run runs a command, and all test binaries below it share the services of this
// run. It returns the command's exit code. When it ends, or is told to by a
// signal, all that was started has ended, the command and what it has left
// behind included; a kill -9 has the same effect, by the kernel's hand.
func Run(command ...string) (code int, err error) {
	endWithParent(syscall.SIGTERM)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	f, err := newFolder("run")
	if err != nil {
		return 1, err
	}
	defer f.remove()
	r := newRunner()
	defer sweep()
	defer r.stop()
	socket, err := r.serve(f)
	if err != nil {
		return 1, err
	}

	runtime.LockOSThread() // the death signal comes when this thread ends
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), socketVariable+"="+socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-stop:
		signal.Stop(stop) // a second one ends us at once
		err = fmt.Errorf("services: interrupted")
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if err != nil {
		<-ended
		return 130, err
	}
	return cmd.ProcessState.ExitCode(), nil
}
