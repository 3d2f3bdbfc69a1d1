//go:build !next

package migrations

import "embed"

// Postgres and SQLite are goose migrations, in the folders of their names.
// Numbers that begin with 9 are the rehearsal's of a next version: a build with
// the tag next, which tests roll out beside this one.
var (
	//go:embed postgres/[0-8]*.sql
	Postgres embed.FS
	//go:embed sqlite/[0-8]*.sql
	SQLite embed.FS
)
