package main

import (
	"github.com/gofiber/fiber/v2"
)

// projectJSON is the JSON form of a project, as a bare handler would declare it.
type projectJSON struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	OwnerID     string `json:"owner_id"`
	Status      string `json:"status"`
	Settings    struct {
		Public           bool `json:"public"`
		MaxCollaborators int  `json:"max_collaborators"`
		AllowComments    bool `json:"allow_comments"`
	} `json:"settings"`
	Collaborators     []string `json:"collaborators"`
	CollaboratorCount int      `json:"collaborator_count"`
	Version           int64    `json:"version"`
	CreatedAt         string   `json:"created_at"`
	UpdatedAt         string   `json:"updated_at"`
}

type listJSON struct {
	Items      []projectJSON `json:"items"`
	NextCursor *string       `json:"next_cursor"`
}

// serveEcho is a bare Fiber in a process of its own: it answers a body with the
// same body, decoded and encoded, and /hello with a word.
func serveEcho(address string) error {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/hello", func(c *fiber.Ctx) error { return c.SendString("hello") })
	app.Post("/project", echo[projectJSON])
	app.Post("/list", echo[listJSON])
	return app.Listen(address)
}

func echo[T any](c *fiber.Ctx) error {
	var body T
	if err := c.BodyParser(&body); err != nil {
		return err
	}
	return c.JSON(&body)
}
