// Package migrations holds the schema of both engines, step by step under the
// same numbers. Applied migrations are never edited.
package migrations

import "embed"

// Postgres and SQLite are goose migrations, in the folders of their names.
var (
	//go:embed postgres/*.sql
	Postgres embed.FS
	//go:embed sqlite/*.sql
	SQLite embed.FS
)
