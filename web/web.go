// Package web is the client for browsers, as it was built: make web builds dist
// from src. The server needs nothing else of this folder.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Files are index.html and, in assets, what it loads. The name of an asset changes
// with its content.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: " + err.Error())
	}
	return files
}
