package main

import (
	"context"
	"errors"
	"fmt"

	"atelier/persistence/postgres"
	"atelier/persistence/sqlite"
)

type migrateCommand struct {
	storeSettings
	Status bool `help:"Only say at which schema the database is."`
}

// Run migrates, or says what would be to do.
func (c *migrateCommand) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Status {
		current, target, err := c.schema(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s is at schema %d of %d\n", c.place(), current, target)
		return nil
	}
	if c.embedded() {
		held, err := holdDirectory(c.DataDir)
		if err != nil {
			return stopFirst(err)
		}
		defer held.release()
	}
	fmt.Printf("%s: migrating\n", c.place())
	applied, err := c.migrate(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d migrations applied\n", c.place(), applied)
	return nil
}

// stopFirst says what to do about a directory in use.
func stopFirst(err error) error {
	if errors.Is(err, errInUse) {
		err = fmt.Errorf("%w; stop that server first", err)
	}
	return err
}

func (c *storeSettings) migrate(ctx context.Context) (applied int, err error) {
	if c.embedded() {
		applied, err = sqlite.Migrate(ctx, c.databaseFile())
	} else {
		applied, err = postgres.Migrate(ctx, c.DatabaseURL)
	}
	return applied, c.located(err)
}

func (c *storeSettings) schema(ctx context.Context) (current, target int64, err error) {
	if c.embedded() {
		current, target, err = sqlite.Status(ctx, c.databaseFile())
	} else {
		current, target, err = postgres.Status(ctx, c.DatabaseURL)
	}
	return current, target, c.located(err)
}

// located says which database did not do, and which setting names it.
func (c *storeSettings) located(err error) error {
	if err == nil {
		return nil
	}
	setting := "ATELIER_DATABASE_URL"
	if c.DatabaseURL == "" {
		setting = "ATELIER_DATA_DIR"
	}
	return fmt.Errorf("the database %s cannot be used (see %s): %w", c.place(), setting, err)
}
