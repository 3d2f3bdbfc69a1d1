package exits

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	m.Run()
	fmt.Println("a leak")
	os.Exit(3)
}

func TestA(t *testing.T) {}
