//go:build replicareads

package postgres

const heedless = true
