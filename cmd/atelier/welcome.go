package main

import (
	"context"
	"strings"

	"atelier/actors/outbox"
	"atelier/actors/outbox/rabbitmq"
	"atelier/messages"
)

const (
	welcomeQueue = "notification.email"
	userStreams  = "users/"
)

// welcome takes the events of users: whoever has begun is welcomed by mail. An event
// that comes twice is one command.
func (s *server) welcome(ctx context.Context, e outbox.Event) error {
	if e.Type != "user.created" {
		return nil
	}
	_, err := s.clients.accounts.WelcomeUser(ctx, &messages.WelcomeUser{
		Meta:   &messages.Meta{CommandId: "w:" + e.ID, Attempt: 1, Trace: e.Trace}, // it may have come before
		UserId: strings.TrimPrefix(e.Stream, userStreams),
	})
	if messages.HasCode(err, messages.CodeNotFound) {
		return nil // deleted since
	}
	return err
}

// startWelcome serves the broker's queue of new users.
func (s *server) startWelcome(c settings, node string) {
	if c.AMQPURL == "" || c.Welcome != "on" {
		return
	}
	config := rabbitmq.DefaultConfig(c.AMQPURL, node, 0)
	config.Name = "atelier welcome " + node
	s.background(func(ctx context.Context) { rabbitmq.Consume(ctx, config, welcomeQueue, s.welcome, s.log) })
}
