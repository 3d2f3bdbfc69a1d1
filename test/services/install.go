package services

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Need brings in the Debian package whose program of the same name a test runs.
func Need(t testing.TB, debian string) {
	t.Helper()
	must(t, install(debian))
}

// Install brings in a Debian package where it is missing, for programs that are
// no tests.
func Install(debian string) error { return install(debian) }

// install brings in a Debian package where it is missing. It needs root for
// that, and keeps the package from starting servers of its own.
func install(debian string) error {
	if present(debian) {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("services: install the Debian package %s, or run this as root", debian)
	}
	return exclusively(func() error {
		if present(debian) {
			return nil // another process was faster
		}
		say("installing %s", debian)
		defer keepStopped()()
		return apt(debian)
	})
}

func apt(debian string) error {
	for _, args := range [][]string{{"update", "-q"}, {"install", "-y", "-q", "--no-install-recommends", debian}} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("services: apt-get %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}

// programs of packages that have another name.
var programs = map[string]string{"iproute2": "ip", "nftables": "nft"}

func present(debian string) bool {
	switch debian {
	case "postgresql":
		return binaries() != ""
	default:
		if program := programs[debian]; program != "" {
			debian = program
		}
		for _, path := range []string{"/usr/bin/" + debian, "/usr/sbin/" + debian, "/usr/lib/rabbitmq/bin/" + debian} {
			if _, err := os.Stat(path); err == nil {
				return true
			}
		}
		return false
	}
}

// binaries is the folder of the newest Postgres; empty when there is none.
func binaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

// keepStopped keeps packages from starting servers and from making clusters. The
// returned function takes that back.
func keepStopped() func() {
	const policy, clusters = "/usr/sbin/policy-rc.d", "/etc/postgresql-common/createcluster.conf"
	undo := func() {}
	if _, err := os.Stat(policy); os.IsNotExist(err) {
		if os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755) == nil {
			undo = func() { os.Remove(policy) }
		}
	}
	if _, err := os.Stat(clusters); os.IsNotExist(err) && os.MkdirAll(filepath.Dir(clusters), 0o755) == nil {
		_ = os.WriteFile(clusters, []byte("create_main_cluster = false\n"), 0o644)
	}
	return undo
}

// say shows progress of what takes long.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "services: "+format+"\n", args...)
}
