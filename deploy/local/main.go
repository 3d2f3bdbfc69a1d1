// Command local runs a cluster on one machine: three nodes on a Postgres of
// their own, behind a balancer. A node that ends is started again. The data is
// fresh each time, and gone afterwards.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"atelier/test/services"
)

const (
	balancer     = "127.0.0.1:8080"
	program      = "bin/atelier"
	logs         = "data/cluster"
	restartPause = time.Second
	stopTime     = 60 * time.Second // then what has not stopped is killed
)

// Children end with the thread that started them. The main goroutine alone
// starts any, and keeps the main thread.
func init() { runtime.LockOSThread() }

func main() {
	if err := run(); err != nil {
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
	database, err := services.StartPostgres()
	if err != nil {
		return err
	}
	defer database.Stop()
	c := &cluster{database: database.URL("postgres"), ended: make(chan *child)}
	defer c.stop()
	if err := c.start(); err != nil {
		return err
	}
	return c.watch(stop)
}

// cluster is the nodes and the balancer. All of it belongs to the main goroutine.
type cluster struct {
	database string
	children []*child // the balancer is the last
	ended    chan *child
}

// child is one process after the other.
type child struct {
	name    string
	args    []string
	env     []string
	log     string
	quit    syscall.Signal
	cmd     *exec.Cmd
	running bool
}

func (c *cluster) start() error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	shared := []string{
		"ATELIER_DATABASE_URL=" + c.database, "ATELIER_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key), "ATELIER_PUBLIC_URL=http://" + balancer,
		"ATELIER_CLUSTER_NAME=local", "ATELIER_CLUSTER_PRESET=local", "ATELIER_DRAIN_WAIT=1s",
		"ATELIER_CLUSTER_SEEDS=127.0.0.1:7951,127.0.0.1:7952,127.0.0.1:7953",
	}
	front := &child{name: "balancer", args: []string{"haproxy", "-db", "-f", "deploy/haproxy.cfg"}, env: []string{"BALANCER=" + balancer}, quit: syscall.SIGUSR1}
	for i, name := range []string{"a", "b", "c"} {
		c.children = append(c.children, &child{name: name, args: []string{program, "serve"}, quit: syscall.SIGTERM, env: append([]string{
			"ATELIER_NODE_NAME=" + name, "ATELIER_DATA_DIR=" + filepath.Join(logs, name), "ATELIER_HTTP_ADDR=" + address(8081+i), "ATELIER_OPS_ADDR=" + address(9091+i),
			"ATELIER_CLUSTER_ADDR=" + address(7801+i), "ATELIER_GOSSIP_ADDR=" + address(7951+i),
		}, shared...)})
		front.env = append(front.env, fmt.Sprintf("NODE_%c=%s", 'A'+i, address(8081+i)))
	}
	c.children = append(c.children, front)
	for _, p := range c.children {
		p.log = filepath.Join(logs, p.name+".log")
		if err := c.launch(p); err != nil {
			return err
		}
	}
	return nil
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// launch starts a child in a process group of its own: Ctrl-C is for this
// process, which stops the others in order.
func (c *cluster) launch(p *child) error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(p.args[0], p.args[1:]...)
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
		for _, at := range []string{address(8081), address(8082), address(8083), balancer} {
			for {
				answer, err := http.Get("http://" + at + "/readyz")
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
	for i, p := range c.children {
		where := "http://" + balancer
		if i < len(c.children)-1 {
			where = "http://" + address(8081+i)
		}
		fmt.Printf("    %-11s %s, process %d, log in %s\n", p.name, where, p.cmd.Process.Pid, p.log)
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
