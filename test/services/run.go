package services

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// Run runs a command, and all test binaries below it share the services of this
// run. It returns the command's exit code. When it ends, or is told to by a
// signal, all that was started has ended, the command and what it has left
// behind included; a kill -9 has the same effect, by the kernel's hand.
func Run(command ...string) (code int, err error) {
	endWithParent(syscall.SIGTERM)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	socket, end, err := hold()
	if err != nil {
		return 1, err
	}
	defer end()

	runtime.LockOSThread() // the death signal comes when this thread ends
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), socketVariable+"="+socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit code tells
		close(ended)
	}()
	select {
	case <-ended:
	case <-stop:
		signal.Stop(stop) // a second one ends us at once
		err = errors.New("services: interrupted")
	}
	killGroup(cmd.Process.Pid)
	if err != nil {
		<-ended
		return 130, err
	}
	return cmd.ProcessState.ExitCode(), nil
}

// killGroup ends what a command has left behind, and waits a moment: those that
// die still hold their folders.
func killGroup(pgid int) {
	for range 100 {
		if syscall.Kill(-pgid, syscall.SIGKILL) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
