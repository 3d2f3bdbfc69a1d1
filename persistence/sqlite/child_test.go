package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// Tests of what a process leaves behind run this binary once more, as a child
// that does one of these to a database.
var children = map[string]func(path string) error{
	"hold":  holdUntilKilled,
	"write": writeUntilKilled,
	"fail":  failToCommit,
}

const childRole, childPath = "ATELIER_TEST_CHILD", "ATELIER_TEST_PATH"

func TestMain(m *testing.M) {
	role, ok := children[os.Getenv(childRole)]
	if !ok {
		os.Exit(m.Run())
	}
	err := role(os.Getenv(childPath))
	fmt.Println(err)
}

// child is another process and what it says.
type child struct {
	*exec.Cmd
	*bufio.Scanner
}

func spawn(t *testing.T, role, path string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe() // it ends with this process
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return &child{cmd, bufio.NewScanner(out)}
}

// says waits for a line.
func (c *child) says(t *testing.T, line string) {
	t.Helper()
	require.True(t, c.Scan())
	require.Equal(t, line, c.Text())
}

func (c *child) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, c.Process.Kill())
}

func holdUntilKilled(path string) error {
	db, err := Open(context.Background(), Config{Path: path})
	if err != nil {
		return err
	}
	defer db.Close()
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// writeUntilKilled creates projects and renames some, and says what was
// acknowledged: an id and a version on each line.
func writeUntilKilled(path string) error {
	ctx := context.Background()
	db, owner, err := inhabited(ctx, path)
	if err != nil {
		return err
	}
	for round := 0; ; round++ {
		var group []*store.Commit
		for range 1 + round%16 {
			group = append(group, creation(newID(), owner, "A project"))
		}
		if err := acknowledged(db.Write(ctx, group)); err != nil {
			return err
		}
		for _, c := range group {
			fmt.Println(c.ID, 1)
		}
		claimed, err := db.Projects().Claim(ctx, group[0].ID, "n1")
		if err != nil {
			return err
		}
		if err := acknowledged(db.Write(ctx, []*store.Commit{renaming(claimed)})); err != nil {
			return err
		}
		fmt.Println(claimed.ID, 2)
	}
}

func inhabited(ctx context.Context, path string) (db *DB, owner string, err error) {
	if _, err = Migrate(ctx, path); err != nil {
		return nil, "", err
	}
	if db, err = Open(ctx, Config{Path: path}); err != nil {
		return nil, "", err
	}
	owner = newID()
	return db, owner, acknowledged(db.Write(ctx, []*store.Commit{registration(owner)}))
}

// acknowledged is the first thing that keeps a group from being applied whole.
func acknowledged(results []store.Result, err error) error {
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	return err
}

func renaming(claimed store.Claimed[*project.State]) *store.Commit {
	after := claimed.State.Clone()
	after.Apply(&messages.ProjectUpdated{Name: new("Renamed")}, messages.Stamp{At: start, Version: claimed.Version + 1, Seq: after.Seq + 1})
	return &store.Commit{
		Fence: claimed.Fence, Node: "n1", Next: after.Version, Stream: project.Stream(after),
		Change: project.Changes(after, nil), Events: []store.Event{event("project.updated", after.Seq)},
	}
}

// failToCommit writes with a limit on the size of files in its way, as a disk
// would fail, and goes on once it is lifted.
func failToCommit(path string) error {
	ctx := context.Background()
	db, owner, err := inhabited(ctx, path)
	if err != nil {
		return err
	}
	before, failing, after := creation(newID(), owner, "before"), creation(newID(), owner, "failing"), creation(newID(), owner, "after")
	if err := acknowledged(db.Write(ctx, []*store.Commit{before})); err != nil {
		return err
	}
	if err := limitFiles(path + "-wal"); err != nil {
		return err
	}
	_, failure := db.Write(ctx, []*store.Commit{failing})
	if failure == nil || errors.Is(failure, store.ErrRolledBack) {
		return fmt.Errorf("the outcome of a commit that failed is given as known: %w", failure)
	}
	if err := liftLimit(); err != nil {
		return err
	}
	if err := acknowledged(db.Write(ctx, []*store.Commit{after})); err != nil {
		return err
	}
	fmt.Println(before.ID, 1)
	fmt.Println(after.ID, 1)
	fmt.Println("settled")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// limitFiles keeps files from growing beyond the size of this one.
func limitFiles(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return setLimit(uint64(info.Size()))
}

func liftLimit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return setLimit(limit.Max)
}

func setLimit(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = size
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}
