package main

import (
	"context"
	"fmt"

	"atelier/persistence/postgres"
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
	applied, err := c.migrate(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d migrations applied\n", c.place(), applied)
	return nil
}

func (c *storeSettings) migrate(ctx context.Context) (applied int, err error) {
	if !c.embedded() {
		return postgres.Migrate(ctx, c.DatabaseURL)
	}
	return 0, nil
}

func (c *storeSettings) schema(ctx context.Context) (current, target int64, err error) {
	if c.embedded() {
		return 0, 0, nil
	}
	return postgres.Status(ctx, c.DatabaseURL)
}
