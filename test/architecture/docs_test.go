package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	link   = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	symbol = regexp.MustCompile("^`([A-Za-z]+)`$")
)

// TestLinksOfPages follows every link within the repository. Where the text is a
// name in backticks and the target a Go file, the file must declare it: the walk
// of a command cannot rot.
func TestLinksOfPages(t *testing.T) {
	t.Parallel()
	names := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(m[2], "#")
			if strings.Contains(target, "://") || target == "" {
				continue
			}
			file := filepath.Join(filepath.Dir(page), target)
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: there is no %s", page, m[2])
				continue
			}
			if name := symbol.FindStringSubmatch(m[1]); name != nil && filepath.Ext(file) == ".go" {
				names++
				if !declared(t, file)[name[1]] {
					t.Errorf("%s: %s declares no %s", page, target, name[1])
				}
			}
		}
	}
	require.Greater(t, names, 10)
}

// pages are the Markdown files of the repository.
func pages(t *testing.T) (found []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name != ".." && strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case filepath.Ext(name) == ".md":
			found = append(found, path)
		}
		return nil
	}))
	return found
}

// declared are the functions, methods, types, variables and constants of a file.
func declared(t *testing.T, path string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	names := make(map[string]bool)
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					names[s.Name.Name] = true
				case *ast.ValueSpec:
					for _, n := range s.Names {
						names[n.Name] = true
					}
				}
			}
		}
	}
	return names
}
