package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/memberlist"
)

// SetKeys replaces the keys of the gossip: the first encrypts, all decrypt. A
// key is rotated in three steps, each on all nodes before the next begins: the
// new key is added behind the old one, then put before it, then the old one is
// taken out.
func (m *Membership) SetKeys(keys [][]byte) error {
	m.rotate.Lock()
	defer m.rotate.Unlock()
	if m.ring == nil || len(keys) == 0 {
		return errors.New("gossip is encrypted from a node's start to its end, or not at all")
	}
	for _, key := range keys {
		if err := memberlist.ValidateKey(key); err != nil {
			return fmt.Errorf("gossip keys: %w", err)
		}
	}
	if err := replaceKeys(m.ring, keys); err != nil {
		return fmt.Errorf("gossip keys: %w", err)
	}
	return nil
}

// replaceKeys removes keys from the ring's end only: elsewhere memberlist would
// move the others within a slice that packets are being decrypted with. So what
// stays is brought before what goes.
func replaceKeys(ring *memberlist.Keyring, keys [][]byte) error {
	stays := func(key []byte) bool {
		return slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) })
	}
	for _, key := range keys {
		if err := ring.AddKey(key); err != nil {
			return err
		}
	}
	behind := false
	for _, key := range ring.GetKeys() {
		if !stays(key) {
			behind = true
			continue
		}
		if behind {
			if err := ring.UseKey(key); err != nil {
				return err
			}
		}
	}
	if err := ring.UseKey(keys[0]); err != nil {
		return err
	}
	for _, key := range slices.Backward(ring.GetKeys()) {
		if stays(key) {
			break
		}
		if err := ring.RemoveKey(key); err != nil {
			return err
		}
	}
	return nil
}
