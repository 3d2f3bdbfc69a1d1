// Command local runs a cluster on one machine: three nodes on a Postgres of
// their own, behind a balancer. A node that ends is started again. The data is
// fresh each time, and gone afterwards.
//
//	cluster            runs it; BALANCER is the balancer's address
//	cluster cut NODE   cuts a node off from the others and from the database
//	cluster heal NODE  ends that
package main

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"atelier/test/services"
)

const (
	program      = "bin/atelier"
	logs         = "data/cluster"
	restartPause = time.Second
	stopTime     = 60 * time.Second // then what has not stopped is killed
)

// Children end with the thread that started them. The main goroutine alone
// starts any, and keeps the main thread.
func init() { runtime.LockOSThread() }

// balancer is where clients reach the cluster.
var balancer = cmp.Or(os.Getenv("BALANCER"), "127.0.0.1:8080")

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 0:
		err = run()
	case len(args) == 2 && (args[0] == "cut" || args[0] == "heal"):
		err = tell(args[0], args[1])
	default:
		err = errors.New("usage: cluster [cut NODE | heal NODE]")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run() error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return err
	}
	if err := services.Install("haproxy"); err != nil {
		return err
	}
	network := newNetwork()
	defer network.stop()
	database, err := services.StartPostgres(network.servers()...)
	if err != nil {
		return err
	}
	defer database.Stop()
	c := &cluster{network: network, database: database.URL("postgres"), ended: make(chan *child), orders: make(chan order)}
	defer c.stop()
	if err := listen(c.orders); err != nil {
		return err
	}
	if err := c.start(); err != nil {
		return err
	}
	return c.watch(stop)
}

// cluster is the nodes and the balancer. All of it belongs to the main goroutine.
type cluster struct {
	network  *network
	database string
	children []*child // the balancer is the last
	ended    chan *child
	orders   chan order
}

// child is one process after the other.
type child struct {
	name    string
	url     string
	cmdline func() *exec.Cmd
	env     []string
	log     string
	quit    syscall.Signal
	cmd     *exec.Cmd
	running bool
}

func (c *cluster) start() error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	seeds := make([]string, len(names))
	for i := range names {
		seeds[i] = c.network.at(i, 7950)
	}
	shared := []string{
		"ATELIER_DATABASE_URL=" + c.database, "ATELIER_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key), "ATELIER_PUBLIC_URL=http://" + balancer,
		"ATELIER_RATE_LIMITS=off", "ATELIER_CLUSTER_NAME=local", "ATELIER_CLUSTER_PRESET=local", "ATELIER_DRAIN_WAIT=1s", "ATELIER_CLUSTER_SEEDS=" + strings.Join(seeds, ","),
	}
	front := &child{name: "balancer", url: "http://" + balancer, quit: syscall.SIGUSR1, env: []string{"BALANCER=" + balancer},
		cmdline: func() *exec.Cmd { return exec.Command("haproxy", "-db", "-f", "deploy/haproxy.cfg") }}
	for i, name := range names {
		api := c.network.at(i, 8080)
		c.children = append(c.children, &child{name: name, url: "http://" + api, quit: syscall.SIGTERM, cmdline: c.network.serve(i), env: append([]string{
			"ATELIER_NODE_NAME=" + name, "ATELIER_DATA_DIR=" + filepath.Join(logs, name), "ATELIER_HTTP_ADDR=" + api, "ATELIER_OPS_ADDR=" + c.network.at(i, 9090),
			"ATELIER_CLUSTER_ADDR=" + c.network.at(i, 7800), "ATELIER_GOSSIP_ADDR=" + seeds[i],
		}, shared...)})
		front.env = append(front.env, fmt.Sprintf("NODE_%c=%s", 'A'+i, api))
	}
	c.children = append(c.children, front)
	for _, p := range c.children {
		p.log = filepath.Join(logs, p.name+".log")
		if err := os.WriteFile(filepath.Join(logs, p.name+".url"), []byte(p.url+"\n"), 0o600); err != nil {
			return err
		}
		if err := c.launch(p); err != nil {
			return err
		}
	}
	return nil
}

// launch starts a child in a process group of its own: Ctrl-C is for this
// process, which stops the others in order.
func (c *cluster) launch(p *child) error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := p.cmdline()
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), p.env...), out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.running = cmd, true
	if err := os.WriteFile(filepath.Join(logs, p.name+".pid"), fmt.Appendln(nil, cmd.Process.Pid), 0o600); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait() // its state tells
		c.ended <- p
	}()
	return nil
}

// ready is closed once all nodes and the balancer take requests.
func (c *cluster) ready() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, p := range c.children {
			for {
				answer, err := http.Get(p.url + "/readyz")
				if err == nil {
					answer.Body.Close()
					if answer.StatusCode == http.StatusOK {
						break
					}
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	return done
}

// tell says where everything is.
func (c *cluster) tell() {
	fmt.Printf("\n  A cluster of three is ready\n\n    API         http://%s/api/v1, through the balancer\n    database    %s\n", balancer, c.database)
	for _, p := range c.children {
		fmt.Printf("    %-11s %s, process %d, log in %s\n", p.name, p.url, p.cmd.Process.Pid, p.log)
	}
	fmt.Print("    stop        Ctrl-C\n\n")
}

// watch starts again what ends, until it is told to stop.
func (c *cluster) watch(stop <-chan os.Signal) error {
	again := make(chan *child)
	ready := c.ready()
	for {
		select {
		case <-ready:
			ready = nil
			c.tell()
		case <-stop:
			say("stopping")
			return nil
		case o := <-c.orders:
			err := c.network.change(o.node, o.verb == "cut")
			if err == nil {
				say("the network of %s: %s", o.node, o.verb)
			}
			o.answer <- err
		case p := <-c.ended:
			p.running = false
			say("%s has ended (%s) and is started again", p.name, p.cmd.ProcessState)
			time.AfterFunc(restartPause, func() { again <- p })
		case p := <-again:
			if err := c.launch(p); err != nil {
				return err
			}
			say("%s is process %d", p.name, p.cmd.Process.Pid)
		}
	}
}

// stop ends the balancer, which answers what is under way, and then the nodes.
func (c *cluster) stop() {
	if len(c.children) == 0 {
		return
	}
	front := len(c.children) - 1
	c.end(c.children[front:])
	c.end(c.children[:front])
	say("stopped")
}

func (c *cluster) end(children []*child) {
	for _, p := range children {
		if p.running {
			_ = p.cmd.Process.Signal(p.quit)
		}
	}
	late := time.AfterFunc(stopTime, func() {
		for _, p := range children {
			_ = p.cmd.Process.Kill() // nothing, where it has ended
		}
	})
	defer late.Stop()
	for _, p := range children {
		for p.running {
			(<-c.ended).running = false
		}
	}
}

func say(format string, args ...any) {
	fmt.Printf(time.Now().Format("15:04:05")+" "+format+"\n", args...)
}
