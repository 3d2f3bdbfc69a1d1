package services

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// NodePackages brings in Node, where it is missing, and what the lock file of a folder
// names.
func NodePackages(t testing.TB, folder string) {
	t.Helper()
	must(t, InstallNodePackages(folder))
}

// InstallNodePackages is NodePackages for programs that are no tests. One process of
// a machine works on a folder at a time.
func InstallNodePackages(folder string) error {
	for _, debian := range []string{"nodejs", "npm"} {
		if err := install(debian); err != nil {
			return err
		}
	}
	lock, err := os.OpenFile(filepath.Join(folder, "package.json"), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	wanted, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	mark := filepath.Join(folder, "node_modules", ".atelier")
	if installed, err := os.ReadFile(mark); err == nil && string(installed) == string(wanted) {
		return nil
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = folder
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("services: npm ci in %s: %w\n%s", folder, err, said)
	}
	return os.WriteFile(mark, wanted, 0o644)
}
