//go:build !cachedrole

package main

// finderOf is where lists learn whose projects are which: nowhere but in the database.
func finderOf(db *opened) finder { return db }
