package rabbitmq

import (
	"errors"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Exchanges, both durable and of type topic. The routing key is the event's type.
const (
	UserEvents    = "user.events"
	ProjectEvents = "project.events"
)

// Binding is a durable queue and what it gets.
type Binding struct{ Queue, Exchange, Key string }

// Topology is what the broker must have.
var Topology = []Binding{
	{"user.created", UserEvents, "user.created"},
	{"project.created", ProjectEvents, "project.created"},
	{"notification.email", UserEvents, "*.created"},
}

// exchange is where events of a type go: what happened to users and their sessions
// apart from all else.
func exchange(kind string) string {
	if strings.HasPrefix(kind, "user.") || strings.HasPrefix(kind, "session.") {
		return UserEvents
	}
	return ProjectEvents
}

// declare makes what is missing. What is there in another form, or may not be
// declared by this user, is taken as it is.
func (l *link) declare() error {
	for _, name := range []string{UserEvents, ProjectEvents} {
		err := l.step(func(c *amqp.Channel) error {
			return c.ExchangeDeclare(name, amqp.ExchangeTopic, true, false, false, false, nil)
		})
		if settled(err) {
			err = l.step(func(c *amqp.Channel) error {
				return c.ExchangeDeclarePassive(name, amqp.ExchangeTopic, true, false, false, false, nil)
			})
		}
		if err != nil {
			return err
		}
	}
	for _, b := range Topology {
		err := l.step(func(c *amqp.Channel) error { return ignore(c.QueueDeclare(b.Queue, true, false, false, false, nil)) })
		if settled(err) {
			err = l.step(func(c *amqp.Channel) error {
				return ignore(c.QueueDeclarePassive(b.Queue, true, false, false, false, nil))
			})
		}
		if err != nil {
			return err
		}
		if err := l.step(func(c *amqp.Channel) error { return c.QueueBind(b.Queue, b.Key, b.Exchange, false, nil) }); err != nil && !settled(err) {
			return err
		}
	}
	return nil
}

func ignore(_ amqp.Queue, err error) error { return err }

// settled reports whether the broker says that this is not ours to declare.
func settled(err error) bool {
	var answer *amqp.Error
	return errors.As(err, &answer) && (answer.Code == amqp.PreconditionFailed || answer.Code == amqp.AccessRefused || answer.Code == amqp.ResourceLocked)
}

// step runs one call on the channel for declarations, which a refusal closes.
func (l *link) step(call func(*amqp.Channel) error) (err error) {
	if l.setup == nil || l.setup.IsClosed() {
		if l.setup, err = l.conn.Channel(); err != nil {
			return err
		}
	}
	return call(l.setup)
}
