package bad

import (
	"fmt"
	"testing"
)

func TestA(t *testing.T) {
	t.Run("one", func(t *testing.T) {
		fmt.Println("printed")
		t.Error("wrong")
	})
}

func TestB(t *testing.T) {}
