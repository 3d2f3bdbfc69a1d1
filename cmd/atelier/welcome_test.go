package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
	"atelier/test/services"
)

// welcomes counts the mails of welcome to an address.
func (p *program) welcomes(t testing.TB, to string) (n int) {
	for _, m := range p.mails(t, to) {
		if m.kind == messages.MailWelcome {
			n++
		}
	}
	return n
}

// TestNewUsersAreWelcomed once, with and without a broker, however often they are
// told of; whoever has to prove his address is not.
func TestNewUsersAreWelcomed(t *testing.T) {
	t.Parallel()
	brokers := map[string]func(testing.TB) string{
		"broker": func(t testing.TB) string { return services.RabbitMQ(t).URL() }, "alone": func(testing.TB) string { return "" },
	}
	for name, broker := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEngines(t, func(t *testing.T, store storeSettings) {
				url := broker(t)
				p := startWith(t, store, func(c *settings) { c.Welcome, c.AMQPURL = "on", url })
				ada := signUp(t, p, "ada")
				ada.post("/projects", object{"name": "Harbour"}).created(t)
				letter := p.mailed(t, ada.email, messages.MailWelcome, 1)
				require.Contains(t, letter.text, "Your account is ready")
				require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond)

				before := ada.get("/users/me").want(t, 200).header.Get("ETag")
				redriven(t, p, messages.UserStream(ada.user), time.Hour)
				require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond)
				bob := signUp(t, p, "bob")
				p.mailed(t, bob.email, messages.MailWelcome, 1) // what came again was taken before
				require.Equal(t, 1, p.welcomes(t, ada.email))
				require.Equal(t, before, ada.get("/users/me").want(t, 200).header.Get("ETag"), "nothing of the user has changed")
			})
		})
	}
}

// TestWhoProvesHisAddressIsWelcomedByThat: one mail is enough.
func TestWhoProvesHisAddressIsWelcomedByThat(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startWith(t, store, func(c *settings) { verifying(c); c.Welcome = "on" })
		p.client(t).post("/auth/register", object{"email": "ada@example.com", "name": "Ada", "password": goodPassword}).want(t, 202)
		p.mailed(t, "ada@example.com", messages.MailVerifyEmail, 1)
		require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond, "the event was taken")
		require.Zero(t, p.welcomes(t, "ada@example.com"))
	})
}
