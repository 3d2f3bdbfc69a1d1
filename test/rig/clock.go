package rig

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// wrongBy has a program called clockless read a clock that is wrong by so
// many seconds, from so many seconds after its start on.
const (
	wrongBy   = "RIG_CLOCK_SECONDS"
	wrongFrom = "RIG_CLOCK_FROM"
)

// Wrong are settings for nodes: their clock is wrong by this much, whoever in
// them asks it, and is set so at some time after their start. Timers are right all the
// same, as they are on a machine whose clock was set. The first use builds the program
// once more, with all that it is made of.
func (s *Scenario) Wrong(by, from time.Duration) []string {
	s.Helper()
	s.Fault(fmt.Sprintf("clock wrong by %s", by))
	return []string{fmt.Sprintf("%s=%d", wrongBy, int64(by.Seconds())), fmt.Sprintf("%s=%d", wrongFrom, int64(from.Seconds()))}
}

// clockless is the program with a clock that can be wrong.
var clockless Version = sync.OnceValues(func() (string, error) {
	dir, err := builds()
	if err != nil {
		return "", err
	}
	file, err := overlay(dir)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "atelier-clockless")
	return path, build(path, "-overlay", file)
})

// overlay is a file for go build -overlay with which the standard library's
// time.Now adds the seconds: the program itself has nothing that tests could
// turn.
func overlay(dir string) (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src/time/time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	const asked = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {"
	before, after, ok := strings.Cut(string(source), asked)
	if !ok {
		return "", fmt.Errorf("rig: time.Now is not what it was in %s", runtime.Version())
	}
	changed := filepath.Join(dir, "time.go.txt")
	text := before + strings.Replace(asked, "\n", "\n\tif mono-startNano >= wrongFrom*1e9 {\n\t\tsec += wrongBy\n\t}\n", 1) + after
	if err := os.WriteFile(changed, []byte(text), 0o644); err != nil {
		return "", err
	}
	added := filepath.Join(dir, "wrong.go.txt")
	if err := os.WriteFile(added, []byte(wrongClock), 0o644); err != nil {
		return "", err
	}
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {
		original: changed, filepath.Join(filepath.Dir(original), "wrong.go"): added,
	}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, replaced, 0o644)
}

const wrongClock = `package time

import "syscall"

// wrongBy are seconds that the clock is ahead, and wrongFrom those after the start until
// it is.
var wrongBy, wrongFrom = number("` + wrongBy + `"), number("` + wrongFrom + `")

func number(name string) (n int64) {
	text, _ := syscall.Getenv(name)
	sign := int64(1)
	for _, c := range []byte(text) {
		if c == '-' {
			sign = -1
			continue
		}
		n = 10*n + int64(c-'0')
	}
	return sign * n
}
`
