package faults_test

import (
	"testing"

	"atelier/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }
