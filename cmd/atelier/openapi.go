package main

import (
	"io"
	"log/slog"
	"os"

	httpd "atelier/http"
)

// openapiCommand needs no server and no database: the document is made from the
// code. Two settings show in it.
type openapiCommand struct {
	PublicURL    string `help:"URL under which clients reach the API." default:"http://127.0.0.1:8080" placeholder:"URL"`
	Verification string `name:"email-verification" help:"on or off: whether new users must prove their address, which decides how a registration is answered." enum:"on,off" default:"off"`
}

// Run prints the document, as GET /openapi.json answers it.
func (c *openapiCommand) Run() error { return c.print(os.Stdout) }

func (c *openapiCommand) print(w io.Writer) error {
	edge := httpd.New(httpd.Config{PublicURL: c.PublicURL, Verification: c.Verification == "on"}, httpd.Deps{Log: slog.New(slog.DiscardHandler)})
	return indented(w, edge.Document())
}
