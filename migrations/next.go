//go:build next

package migrations

import "embed"

// Postgres and SQLite are goose migrations, in the folders of their names.
var (
	//go:embed postgres/*.sql
	Postgres embed.FS
	//go:embed sqlite/*.sql
	SQLite embed.FS
)
