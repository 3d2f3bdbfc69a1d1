package ysync

import "testing"

func TestOwnerIsWhomTheNodeBound(t *testing.T) {
	for _, said := range []string{
		`{"user":{"ID":"other","Id":"other"}}`,
		`{"User":{"id":"other"}}`,
		`{"uſer":{"id":"other"}}`,
	} {
		for _, id := range []string{"", "me"} {
			state, err := bound([]byte(said), id, "name")
			if err != nil {
				t.Fatal(err)
			}
			if got := owner(state); got != id {
				t.Errorf("%s of %q is taken for %q's", said, id, got)
			}
		}
	}
}
