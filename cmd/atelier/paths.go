package main

import (
	"reflect"

	"github.com/alecthomas/kong"
)

// readPath reads the path of a file or directory. An empty one is as if it had not
// been given: kong's own reader would take it for the directory that the program
// was started in.
func readPath(ctx *kong.DecodeContext, target reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("path", &path); err != nil {
		return err
	}
	if path == "" {
		path = ctx.Value.Default
	}
	if path != "" && path != "-" {
		path = kong.ExpandPath(path)
	}
	target.SetString(path)
	return nil
}
