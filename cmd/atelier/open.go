package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"atelier/persistence/postgres"
)

// open holds the data directory, migrates the database and opens it. The name
// that is kept in the directory is the instance, and the node's name where no
// other was given; where another process has the directory, there is one for this
// run.
func (s *server) open(ctx context.Context, c settings) (*opened, string, error) {
	instance := freshName()
	directory, err := holdDirectory(c.DataDir)
	switch {
	case err == nil:
		s.onStop(func(context.Context) error { directory.release(); return nil })
		if instance, err = directory.nodeName(); err != nil {
			return nil, "", err
		}
	case c.embedded() || !errors.Is(err, errInUse) || c.NodeName != "":
		if errors.Is(err, errInUse) {
			err = fmt.Errorf("%w; give this server another with ATELIER_DATA_DIR", err)
		}
		return nil, "", err // who has been given a name must be known again by his directory
	}
	name := cmp.Or(c.NodeName, instance)
	if err := s.startTraces(ctx, c, name); err != nil {
		return nil, "", err
	}
	db, err := c.openStore(ctx, s, instance, c.replicas()...)
	if err != nil {
		return nil, "", err
	}
	s.onStop(func(context.Context) error { db.close(); return nil })
	return db, name, nil
}

// found says where an embedded database is missing, before anything is made there.
func (c *storeSettings) found() error {
	if !c.embedded() {
		return nil
	}
	_, err := os.Stat(c.databaseFile())
	return c.located(err)
}

// openKept is openStore for who works on what there is: it migrates nothing.
func (c *storeSettings) openKept(ctx context.Context, s *server) (*opened, error) {
	current, target, err := c.schema(ctx)
	if err != nil {
		return nil, err
	}
	if current < target {
		return nil, fmt.Errorf("the database %s is at schema %d, and this program has %d: use the program that the servers run, or bring it there with atelier migrate", c.place(), current, target)
	}
	return c.openStore(ctx, s, freshName())
}

// openStore migrates and opens the database for one instance of the program.
func (c *storeSettings) openStore(ctx context.Context, s *server, instance string, replicas ...string) (*opened, error) {
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
	return openPostgres(ctx, postgres.Config{URL: c.DatabaseURL, Replicas: replicas, Instance: instance, Tracer: s.tracer.statements(), Log: s.log})
}
