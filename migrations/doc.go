// Package migrations holds the schema of both engines, step by step under the
// same numbers. Applied migrations are never edited.
//
// Programs of two versions run on one schema while nodes are replaced one by one,
// and a program is taken back without its migrations. So a migration only adds
// what the program before it can do without: tables, columns with a default. Its
// row in migration_floors says so, by the lowest schema that a program may have
// been made for. What no program in use needs any more is removed a version later,
// by a migration whose floor is the first schema without need of it.
package migrations
