package http

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

// linkPage is where the links in mails lead: a page that has a person confirm and
// then asks the API. Opening a link changes nothing by itself, since programs that
// look through mail open them too.
//
//go:embed link.html
var linkPage string

const htmlType = "text/html; charset=utf-8"

// tableLinkPages are the pages of links. A client of the web may have its own.
func (s *Server) tableLinkPages() {
	policy := fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
		sourceHash("script"), sourceHash("style"))
	for id, path := range map[string]string{"verifyEmailPage": "/verify-email", "resetPasswordPage": "/reset-password", "confirmEmailPage": "/confirm-email", "invitationPage": "/invitation"} {
		o := addPage[linkInput, none](s, operation{ID: id, Path: path, Summary: "Where a link in a mail leads"}, func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderContentType, htmlType)
			c.Set(fiber.HeaderContentSecurityPolicy, policy)
			c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
			c.Set(fiber.HeaderXFrameOptions, "DENY")
			c.Response().SetBodyString(linkPage)
			return nil
		})
		o.Responses["200"].Content = map[string]*huma.MediaType{htmlType: {Schema: &huma.Schema{Type: huma.TypeString}}}
	}
}

type linkInput struct {
	Token string `query:"token" maxLength:"200" doc:"Of the link"`
}

// sourceHash names the one element of that kind in the page, so that no other runs.
func sourceHash(element string) string {
	_, rest, _ := strings.Cut(linkPage, "<"+element+">")
	source, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
