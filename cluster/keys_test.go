package cluster

import (
	"bytes"
	"testing"

	"github.com/hashicorp/memberlist"
	"github.com/stretchr/testify/require"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func encrypted(seed func(*MembershipConfig), keys ...[]byte) func(*MembershipConfig) {
	return func(c *MembershipConfig) {
		if seed != nil {
			seed(c)
		}
		c.Keys = keys
	}
}

func TestAWrongKeyStaysOut(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", encrypted(nil, key(1)))
	apart(t, a, joins(t, "b", encrypted(by(t, a.Address()), key(2))))
	apart(t, a, joins(t, "b", encrypted(by(t, a.Address()))))
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", encrypted(nil, key(1)))
	b := joins(t, "b", encrypted(by(t, a.Address()), key(1)))
	sees(t, a, "a", "b")
	for _, step := range [][][]byte{{key(1), key(2)}, {key(2), key(1)}, {key(2)}} {
		for _, m := range []*Membership{a, b} {
			require.NoError(t, m.SetKeys(step))
			_, err := a.list.Join([]string{b.Address()})
			require.NoError(t, err, "both ways, whoever is first")
			_, err = b.list.Join([]string{a.Address()})
			require.NoError(t, err)
		}
	}
	joins(t, "c", encrypted(by(t, a.Address()), key(2)))
	sees(t, a, "a", "b", "c")
	sees(t, b, "a", "b", "c")
	late := joins(t, "late", encrypted(by(t, a.Address()), key(1)))
	require.Equal(t, []string{"late"}, names(late.View()))
}

func TestKeysAreReplacedWhereverTheyStand(t *testing.T) {
	t.Parallel()
	for _, keys := range [][][]byte{
		{key(3)}, {key(2), key(4)}, {key(4), key(1)}, {key(1), key(3)}, {key(5)}, {key(5), key(6), key(1)}, {key(1), key(2), key(3), key(4)},
	} {
		ring, err := memberlist.NewKeyring([][]byte{key(1), key(2), key(3), key(4)}, key(1))
		require.NoError(t, err)
		readers := ring.GetKeys()
		before := append([][]byte{}, readers...)
		require.NoError(t, replaceKeys(ring, keys))
		require.ElementsMatch(t, keys, ring.GetKeys())
		require.Equal(t, keys[0], ring.GetPrimaryKey())
		require.Equal(t, before, readers, "who is decrypting keeps what it has")
	}
}

func TestKeysThatCannotBeSet(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", encrypted(nil, key(1)))
	require.Error(t, a.SetKeys(nil))
	require.Error(t, a.SetKeys([][]byte{[]byte("short")}))
	require.Equal(t, [][]byte{key(1)}, a.ring.GetKeys())
	require.Error(t, joins(t, "b", nil).SetKeys([][]byte{key(1)}))
}
