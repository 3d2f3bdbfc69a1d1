//go:build !replicareads

package postgres

const heedless = false // queries are answered by replicas, wherever those are
