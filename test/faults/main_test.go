package faults_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"

	"atelier/test/rig"
)

// atOnce is how many scenarios run at least at a time: most of what they do is
// to wait.
const atOnce = 3

func TestMain(m *testing.M) {
	flag.Parse()
	if runtime.GOMAXPROCS(0) < atOnce {
		_ = flag.Set("test.parallel", fmt.Sprint(atOnce))
	}
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}
