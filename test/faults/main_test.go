package faults_test

import (
	"os"
	"testing"

	"atelier/test/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}
