package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	post "atelier/actors/outbox/mail"
)

func TestSettingsOfMail(t *testing.T) {
	t.Parallel()
	settle := func(change func(*settings)) (settings, error) {
		s := settings{Env: "development", HTTPAddr: ":8080", OpsAddr: ":9090", PublicURL: "https://atelier.example.com/"}
		change(&s)
		return s, s.check()
	}
	production := func(s *settings) {
		s.Env, s.MasterKey = "production", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	}
	s, err := settle(func(*settings) {})
	require.NoError(t, err)
	require.Equal(t, []string{"off", "https://atelier.example.com", "Atelier <no-reply@atelier.example.com>"}, []string{s.Verification, s.LinkURL, s.MailFrom})
	s, err = settle(func(s *settings) { s.PublicURL = "http://[::1]:8080" })
	require.NoError(t, err)
	require.Equal(t, "Atelier <no-reply@localhost>", s.MailFrom)
	s, err = settle(production)
	require.NoError(t, err)
	require.Equal(t, "on", s.Verification, "unless it is told otherwise")
	s, err = settle(func(s *settings) { production(s); s.Verification = "off" })
	require.NoError(t, err)
	require.Equal(t, "off", s.Verification)
	s, err = settle(func(s *settings) {
		s.SMTPURL, s.MailFrom, s.LinkURL = "smtp://u:p@mail.example.com", "post@example.com", "https://app.example.com/"
	})
	require.NoError(t, err)
	require.Equal(t, "https://app.example.com", s.LinkURL)
	way, err := s.transport()
	require.NoError(t, err)
	require.IsType(t, &post.SMTP{}, way)

	for sentence, change := range map[string]func(*settings){
		"ATELIER_SMTP_URL: it must be smtp://":       func(s *settings) { s.SMTPURL = "http://u:canary@mail" },
		"mail must not be sent in plaintext":         func(s *settings) { production(s); s.SMTPURL = "smtp://mail?tls=off" },
		"ATELIER_MAIL_FROM must be an address":       func(s *settings) { s.MailFrom = "nobody" },
		"ATELIER_LINK_URL must be a URL such as":     func(s *settings) { s.LinkURL = "app.example.com" },
		"ATELIER_LINK_URL must be a URL such as htt": func(s *settings) { s.LinkURL = "https://app.example.com/?x=1" },
	} {
		_, err := settle(change)
		require.ErrorContains(t, err, sentence)
		require.NotContains(t, err.Error(), "canary")
	}
}
