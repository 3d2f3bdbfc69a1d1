package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// VHost is a virtual host of one test.
type VHost struct{ url string }

// URL is where it is: amqp://….
func (v *VHost) URL() string { return v.url }

// RabbitMQ is a fresh virtual host on the shared broker, deleted with the test
// along with all connections to it.
func RabbitMQ(t testing.TB) *VHost {
	t.Helper()
	return &VHost{take(t, "rabbitmq")}
}

// RabbitMQServer is a broker for one test or one run. Give every AMQP call a
// deadline. In 3.10 a crash soon after a quorum queue was declared can leave
// the queue without a leader: declare, Shutdown, Restart, and only then crash.
type RabbitMQServer struct {
	*server
	names    *process // Erlang's port mapper, without which a node does not start
	namePort int
	control  int
	calling  sync.Mutex // all calls have one name, by which the broker knows one connection
}

// OwnRabbitMQ is a broker of the test's own, stopped with it.
func OwnRabbitMQ(t testing.TB) *RabbitMQServer {
	t.Helper()
	s, err := StartRabbitMQ()
	must(t, err)
	own(t, s.server)
	t.Cleanup(s.names.kill)
	return s
}

// StartRabbitMQ starts a broker, which takes 5 to 15 s; Stop ends it and removes
// its data.
func StartRabbitMQ() (*RabbitMQServer, error) {
	if err := install("rabbitmq-server"); err != nil {
		return nil, err
	}
	s, err := newServer("rabbitmq", syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	r := &RabbitMQServer{server: s}
	s.boot = r.boot
	if err := r.configure(); err != nil {
		s.Stop()
		return nil, err
	}
	if r.names, err = spawn(s.folder.path, r.environment(), "epmd"); err != nil {
		s.Stop()
		return nil, err
	}
	return r, s.start()
}

// Stop ends the broker and removes its data.
func (s *RabbitMQServer) Stop() {
	s.names.kill()
	s.server.Stop()
}

func (s *RabbitMQServer) path(name string) string { return filepath.Join(s.folder.path, name) }

func (s *RabbitMQServer) configure() (err error) {
	if s.namePort, err = freePort(); err != nil {
		return err
	}
	if s.control, err = freePort(); err != nil {
		return err
	}
	settings := fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\ndefault_user = test\ndefault_pass = %s\nloopback_users = none\n", s.port, password)
	return errors.Join(
		os.WriteFile(s.path("rabbitmq.conf"), []byte(settings), 0o644),
		os.WriteFile(s.path("plugins"), []byte("[].\n"), 0o644),
		// The cookie must be its owner's alone, who is not always us.
		run(s.folder.path, os.Environ(), "sh", "-c", "umask 377 && printf "+password+" > .erlang.cookie"))
}

// environment is all that the broker sees: nothing of the machine's own broker,
// if it has one. RUNNING_UNDER_SYSTEMD makes the script become the virtual
// machine, so that signals reach it.
func (s *RabbitMQServer) environment() []string {
	return []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=" + s.folder.path, "RUNNING_UNDER_SYSTEMD=1",
		fmt.Sprintf("ERL_EPMD_PORT=%d", s.namePort), "ERL_EPMD_ADDRESS=127.0.0.1", fmt.Sprintf("RABBITMQ_DIST_PORT=%d", s.control),
		"RABBITMQ_NODENAME=x@localhost", "RABBITMQ_CONF_ENV_FILE=/dev/null", "RABBITMQ_CONFIG_FILE=" + s.path("rabbitmq.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + s.path("plugins"), "RABBITMQ_MNESIA_BASE=" + s.path("mnesia"), "RABBITMQ_LOG_BASE=" + s.path("logs"), "RABBITMQ_LOGS=-",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
	}
}

func (s *RabbitMQServer) boot() (err error) {
	if s.p, err = spawn(s.folder.path, s.environment(), "/usr/lib/rabbitmq/bin/rabbitmq-server"); err != nil {
		return err
	}
	return s.p.awaitLine("RabbitMQ", "Server startup complete")
}

// URL is where the broker's default virtual host is: amqp://….
func (s *RabbitMQServer) URL() string { return s.url("") }

func (s *RabbitMQServer) url(vhost string) string {
	return fmt.Sprintf("amqp://test:%s@127.0.0.1:%d/%s", password, s.port, vhost)
}

// take makes a virtual host for a test, and drop removes it.
func (s *RabbitMQServer) take(name string) (string, error) {
	return s.url(name), s.evaluate(`ok = rabbit_vhost:add(<<%q>>, <<"test">>),
		ok = rabbit_auth_backend_internal:set_permissions(<<"test">>, <<%[1]q>>, <<".*">>, <<".*">>, <<".*">>, <<"test">>)`, name)
}

func (s *RabbitMQServer) drop(name string) error {
	return s.evaluate(`ok = rabbit_vhost:delete(<<%q>>, <<"test">>)`, name)
}

// evaluate runs Erlang inside the broker. It takes milliseconds where
// rabbitmqctl, which starts a virtual machine, takes seconds.
func (s *RabbitMQServer) evaluate(expression string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.calling.Lock()
	defer s.calling.Unlock()
	cmd := exec.CommandContext(ctx, "erl_call", "-address", fmt.Sprintf("127.0.0.1:%d", s.control), "-c", password, "-e")
	cmd.Stdin = strings.NewReader(fmt.Sprintf(expression, args...) + ".\n")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.HasPrefix(out, []byte("{ok, ")) {
		return errors.Join(err, fmt.Errorf("services: RabbitMQ: %s", out))
	}
	return nil
}
