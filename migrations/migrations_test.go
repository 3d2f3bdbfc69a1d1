package migrations_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/migrations"
)

// Both engines have the same steps under the same names, each with a way up and
// a way down, numbered without a gap.
func TestEnginesHaveTheSameSteps(t *testing.T) {
	t.Parallel()
	postgres, sqlite := steps(t, migrations.Postgres), steps(t, migrations.SQLite)
	require.NotEmpty(t, postgres)
	require.Equal(t, names(postgres), names(sqlite))
	for i, name := range names(postgres) {
		require.Regexp(t, regexp.MustCompile(`^\d{5}_[a-z_]+\.sql$`), name)
		require.Equal(t, i+1, number(name), name)
	}
	for _, step := range append(postgres, sqlite...) {
		up, down := strings.Index(step.text, "-- +goose Up"), strings.Index(step.text, "-- +goose Down")
		require.Zero(t, up, step.name)
		require.Positive(t, down, step.name)
		require.NotEmpty(t, strings.TrimSpace(step.text[down+len("-- +goose Down"):]), step.name)
		n := number(step.name)
		if n >= floors {
			require.Contains(t, step.text[:down], fmt.Sprintf("INSERT INTO migration_floors VALUES (%d, ", n), "%s: which programs can work on it", step.name)
		}
		if n > floors {
			require.Contains(t, step.text[down:], fmt.Sprintf("DELETE FROM migration_floors WHERE version = %d;", n), step.name)
		}
	}
}

// floors is the migration from which on each says which programs it leaves room
// for.
const floors = 3

type step struct{ name, text string }

func steps(t *testing.T, files fs.FS) (all []step) {
	require.NoError(t, fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		all = append(all, step{entry.Name(), string(text)})
		return err
	}))
	return all
}

func names(steps []step) (all []string) {
	for _, s := range steps {
		all = append(all, s.name)
	}
	return all
}

func number(name string) (n int) {
	for _, digit := range name[:5] {
		n = 10*n + int(digit-'0')
	}
	return n
}
