package http

import (
	"net"
	"os"
	"syscall"
)

// sweep takes in what the kernel has accepted and ends the listening with the
// very next call: nothing gets in between that would be reset, but for what
// arrives within those microseconds.
func sweep(l *net.TCPListener) (accepted []*net.TCPConn) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil
	}
	var files []int
	_ = raw.Control(func(fd uintptr) {
		for {
			file, _, err := syscall.Accept4(int(fd), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
			if err == syscall.EINTR || err == syscall.ECONNABORTED {
				continue
			}
			if err != nil {
				break
			}
			files = append(files, file)
		}
		_ = syscall.Shutdown(int(fd), syscall.SHUT_RD)
	})
	for _, file := range files {
		if c := connOf(file); c != nil {
			accepted = append(accepted, c)
		}
	}
	return accepted
}

// connOf makes a connection of its descriptor.
func connOf(file int) *net.TCPConn {
	f := os.NewFile(uintptr(file), "")
	defer f.Close() // the connection has a copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil
	}
	return c.(*net.TCPConn)
}
