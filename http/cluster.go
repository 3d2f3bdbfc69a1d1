package http

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

type members interface {
	// Cluster lists the nodes by name.
	Cluster(context.Context) (*messages.Cluster, error)
	// Drain returns when the node and the others know that it drains. Without
	// another one that takes over it is refused: invalid state.
	Drain(ctx context.Context, node string) error
}

type clusterBody struct {
	Name  string       `json:"name" doc:"Empty where the node is in no cluster"`
	Node  string       `json:"node" doc:"The node that answers"`
	Nodes []memberBody `json:"nodes" nullable:"false" doc:"By name"`
}

type memberBody struct {
	Name        string        `json:"name"`
	Address     string        `json:"address" doc:"Of the connections between nodes; empty where the node is in no cluster"`
	State       string        `json:"state" enum:"up,draining,joining,unseen,struck" doc:"draining: it owns nothing; joining: it has no lease yet; unseen: it has a lease, and the node that answers does not reach it; struck: its lease runs out"`
	Since       string        `json:"since" format:"date-time" doc:"Start of its lease, or of the process where it has none"`
	Incarnation int64         `json:"incarnation" doc:"Number of its lease; 0: none"`
	Exclusive   bool          `json:"exclusive" doc:"Whether it answers without asking the database first"`
	Entities    *entitiesBody `json:"entities,omitempty" nullable:"false" doc:"Live there; absent where the node did not say within a second"`
}

type entitiesBody struct {
	Account  int64 `json:"account"`
	Session  int64 `json:"session"`
	Project  int64 `json:"project"`
	Document int64 `json:"document"`
}

func clusterOf(c *messages.Cluster) *clusterBody {
	body := &clusterBody{Name: c.Name, Node: c.Node, Nodes: make([]memberBody, 0, len(c.Nodes))}
	for _, m := range c.Nodes {
		var entities *entitiesBody
		if e := m.Entities; e != nil {
			entities = &entitiesBody{Account: e["account"], Session: e["session"], Project: e["project"], Document: e["document"]}
		}
		body.Nodes = append(body.Nodes, memberBody{
			Name: m.Name, Address: m.Address, State: m.State, Since: timeText(m.Since.UnixMicro()),
			Incarnation: m.Incarnation, Exclusive: m.Exclusive, Entities: entities,
		})
	}
	return body
}

func (s *Server) getCluster(ctx context.Context, _ *call, _ *none) (*result[clusterBody], error) {
	c, err := s.deps.Members.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	return ok(clusterOf(c))
}

type drainNodeInput struct {
	Node string `path:"node" maxLength:"255"`
}

func (s *Server) drainNode(ctx context.Context, _ *call, in *drainNodeInput) (*result[none], error) {
	if err := s.deps.Members.Drain(ctx, in.Node); err != nil {
		return nil, err
	}
	return &result[none]{}, nil
}

// opsCluster is the same on the operations listener.
func opsCluster(m members) fiber.Handler {
	return func(f *fiber.Ctx) error {
		ctx, cancel := within(defaultWait)
		defer cancel()
		c, err := m.Cluster(ctx)
		if err != nil {
			return fiber.NewError(fiber.StatusServiceUnavailable, "the leases of the cluster cannot be read")
		}
		return sendValue(f, clusterOf(c))
	}
}

// opsDrain drains the node that is asked. Pages of the web that a browser on the
// machine shows may send requests here too, and are refused.
func opsDrain(m members) fiber.Handler {
	return func(f *fiber.Ctx) error {
		if f.Get(fiber.HeaderOrigin) != "" {
			return fiber.NewError(fiber.StatusForbidden, "this is not for browsers")
		}
		ctx, cancel := within(defaultWait)
		defer cancel()
		c, err := m.Cluster(ctx)
		if err == nil {
			err = m.Drain(ctx, c.Node)
		}
		var refusal *messages.Error
		if errors.As(err, &refusal) && refusal.GetCode() == messages.CodeInvalidState {
			return fiber.NewError(fiber.StatusConflict, refusal.GetMessage())
		}
		if err != nil {
			return fiber.NewError(fiber.StatusServiceUnavailable, "the others have not all been told yet; ask again")
		}
		f.Status(fiber.StatusNoContent)
		return nil
	}
}
