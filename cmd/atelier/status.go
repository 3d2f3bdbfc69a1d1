package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

type clusterCommand struct {
	Status statusCommand `cmd:"" help:"List the nodes as the one on this machine sees them."`
}

// opsSettings name the operations listener of a running node. It asks for no
// password: who reaches it may operate the node.
type opsSettings struct {
	OpsAddr string `help:"Address of the operations listener; keep it off the internet." default:"127.0.0.1:9090" env:"ATELIER_OPS_ADDR" group:"Operations"`
}

type statusCommand struct {
	opsSettings
	JSON bool `help:"Print JSON, as GET /api/v1/cluster answers it."`
}

// Run prints the nodes.
func (c *statusCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *statusCommand) print(ctx context.Context, w io.Writer) error {
	text, err := c.ask(ctx, "GET", "/cluster")
	if err != nil {
		return err
	}
	if c.JSON {
		return indented(w, text)
	}
	seen, err := readCluster(text)
	if err != nil {
		return err
	}
	return seen.table(w)
}

// indented prints JSON for people.
func indented(w io.Writer, text []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

// seenCluster is what a node tells of its cluster.
type seenCluster struct {
	Name  string
	Node  string
	Nodes []struct {
		Name, Address, State string
		Since                time.Time
		Exclusive            bool
		Entities             map[string]int64
	}
}

func readCluster(text []byte) (c seenCluster, err error) {
	if err = json.Unmarshal(text, &c); err != nil {
		err = fmt.Errorf("the node's answer cannot be read: %w", err)
	}
	return c, err
}

func (c *seenCluster) table(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tADDRESS\tSTATE\tSINCE\tEXCLUSIVE\tACCOUNTS\tSESSIONS\tPROJECTS\tDOCUMENTS")
	for _, n := range c.Nodes {
		exclusive, entities := "no", "-\t-\t-\t-"
		if n.Exclusive {
			exclusive = "yes"
		}
		if e := n.Entities; e != nil {
			entities = fmt.Sprintf("%d\t%d\t%d\t%d", e["account"], e["session"], e["project"], e["document"])
		}
		if n.Address == "" {
			n.Address = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.Address, n.State, n.Since.UTC().Format(time.DateTime), exclusive, entities)
	}
	return table.Flush()
}

// here is the node that answered.
func (c *seenCluster) here() (state string, entities int64) {
	for _, n := range c.Nodes {
		if n.Name == c.Node {
			state = n.State
			for _, live := range n.Entities {
				entities += live
			}
		}
	}
	return state, entities
}

// ask sends a request to the operations listener.
func (c *opsSettings) ask(ctx context.Context, method, path string) ([]byte, error) {
	if _, _, err := net.SplitHostPort(c.OpsAddr); err != nil {
		return nil, fmt.Errorf("ATELIER_OPS_ADDR must be an address with a port, such as 127.0.0.1:9090, and not %q", c.OpsAddr)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+reachable(c.OpsAddr)+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ATELIER_OPS_ADDR: %w", err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no node answers at %s: %w (set ATELIER_OPS_ADDR, or --ops-addr)", c.OpsAddr, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("the node at %s refuses: %s", c.OpsAddr, strings.TrimSpace(string(text)))
	}
	return text, err
}

// drainCommand lasts until the node on this machine owns nothing.
type drainCommand struct {
	opsSettings
	Wait time.Duration `help:"How long to wait until the node owns nothing." default:"30s"`
}

const drainLook = 100 * time.Millisecond

// Run drains the node and waits. The node serves on: what others own it passes on
// to them. Only a start undoes it.
func (c *drainCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	if _, err := c.ask(ctx, "POST", "/drain"); err != nil {
		return err
	}
	node, left, err := c.empty(ctx)
	if err != nil {
		return fmt.Errorf("the node drains, and %d entities are still there: %w", left, err)
	}
	fmt.Printf("%s owns nothing any more; it does so again when it has been restarted\n", node)
	return nil
}

// empty waits until the node owns nothing, and tells what is left.
func (c *drainCommand) empty(ctx context.Context) (node string, left int64, err error) {
	for {
		text, err := c.ask(ctx, "GET", "/cluster")
		if err != nil {
			return "", left, err
		}
		seen, err := readCluster(text)
		if err != nil {
			return "", left, err
		}
		state, entities := seen.here()
		if left = entities; state == "draining" && left == 0 {
			return seen.Node, 0, nil
		}
		select {
		case <-ctx.Done():
			return "", left, ctx.Err()
		case <-time.After(drainLook):
		}
	}
}
