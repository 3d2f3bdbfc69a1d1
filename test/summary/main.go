// Command summary reads the output of go test -json and tells it to people: a
// line for each package as it ends, the output of what failed, what is still
// running whenever it has been quiet for 20 s, and at the end the slowest, the
// skipped and the failed tests and a line that counts. It exits with 1 if
// anything failed.
package main

import (
	"bufio"
	"os"
	"time"
)

func main() {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewReader(os.Stdin)
		for {
			line, err := in.ReadString('\n')
			if line != "" {
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	r := newReport(os.Stdout, time.Now())
	for tick := time.NewTicker(time.Second); ; {
		select {
		case now := <-tick.C:
			r.progress(now)
		case line, more := <-lines:
			if more {
				r.line(line, time.Now())
				continue
			}
			if !r.end(time.Now()) {
				os.Exit(1)
			}
			return
		}
	}
}
