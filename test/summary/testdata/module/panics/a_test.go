package panics

import "testing"

func TestA(t *testing.T) {
	t.Parallel()
	panic("oh")
}

func TestB(t *testing.T) {}
