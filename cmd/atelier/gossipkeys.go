package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// keysEvery is how often the file with the gossip's keys is read again.
const keysEvery = 2 * time.Second

// keyFile is the file with the gossip's keys; empty where the setting has them.
func (s *clusterSettings) keyFile() string {
	file, _ := strings.CutPrefix(s.ClusterKey, "file:")
	if file == s.ClusterKey {
		return ""
	}
	return file
}

// gossipKeys are the keys of the gossip: the first encrypts, all decrypt. None:
// it is not encrypted.
func (s *clusterSettings) gossipKeys() ([][]byte, error) {
	file := s.keyFile()
	if file == "" {
		return parseKeys("ATELIER_CLUSTER_KEY", strings.Split(s.ClusterKey, ","))
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ATELIER_CLUSTER_KEY: %w", err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		line, _, _ = strings.Cut(line, "#")
		lines = append(lines, line)
	}
	keys, err := parseKeys("ATELIER_CLUSTER_KEY: the lines of "+file, lines)
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("ATELIER_CLUSTER_KEY: %s holds no key", file)
	}
	return keys, err
}

func parseKeys(where string, texts []string) (keys [][]byte, err error) {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(text)
		if n := len(key); err != nil || n != 16 && n != 24 && n != 32 {
			return nil, errors.New(where + " must be keys of 16, 24 or 32 bytes in base64; make one with: openssl rand -base64 32")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// followKeys reads the file with the gossip's keys again and again, and uses what
// it holds: keys are replaced while the node runs. What cannot be used changes
// nothing.
func (p *peers) followKeys(ctx context.Context, keys [][]byte) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		fresh, err := p.settings.gossipKeys()
		if err == nil && !slices.EqualFunc(fresh, keys, bytes.Equal) {
			if err = p.members.SetKeys(fresh); err == nil {
				keys = fresh
				p.log.Info("the keys of the gossip were replaced", "encrypts", fingerprints(keys)[0], "decrypt", fingerprints(keys))
			}
		}
		if err == nil {
			said = ""
		} else if err.Error() != said {
			said = err.Error()
			p.log.Warn("the keys of the gossip were not replaced", "error", err)
		}
	}
}

// fingerprints name keys without telling them.
func fingerprints(keys [][]byte) (names []string) {
	for _, key := range keys {
		sum := sha256.Sum256(key)
		names = append(names, hex.EncodeToString(sum[:4]))
	}
	return names
}
