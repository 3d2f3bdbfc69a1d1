package faults_test

import (
	"testing"

	"atelier/test/rig"
	"atelier/test/services"
)

// each runs a scenario on every engine. The URL of the embedded one is empty.
func each(t *testing.T, run func(s *rig.Scenario, url string)) {
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		run(rig.New(t), services.Postgres(t).URL())
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		run(rig.New(t), "")
	})
}
