package main

import (
	"context"
	"errors"
)

// open holds the data directory, migrates the database and opens it.
func (s *server) open(ctx context.Context, c settings) (*opened, string, error) {
	directory, err := holdDirectory(c.DataDir)
	switch {
	case err == nil:
		s.onStop(func(context.Context) error { directory.release(); return nil })
	case c.embedded() || !errors.Is(err, errInUse):
		return nil, "", err
	}
	node := c.NodeName
	if node == "" {
		if directory == nil {
			node = freshName() // another process has this directory: a name for this run
		} else if node, err = directory.nodeName(); err != nil {
			return nil, "", err
		}
	}
	db, err := c.openStore(ctx, s)
	if err != nil {
		return nil, "", err
	}
	s.onStop(func(context.Context) error { db.close(); return nil })
	return db, node, nil
}

// openStore migrates and opens the database.
func (c *storeSettings) openStore(ctx context.Context, s *server) (*opened, error) {
	applied, err := c.migrate(ctx)
	if err != nil {
		return nil, err
	}
	if applied > 0 {
		s.log.Info("the database schema was migrated", "migrations", applied)
	}
	if c.embedded() {
		return openSqlite(ctx, c.databaseFile())
	}
	return openPostgres(ctx, c.DatabaseURL)
}
