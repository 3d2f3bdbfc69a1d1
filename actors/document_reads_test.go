package actors

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// slowStore reads documents when it is told to.
type slowStore struct {
	DocumentStore
	reading chan struct{} // one for each that is being read
	release chan struct{}
}

func (s *slowStore) ReadDocument(context.Context, string) (*messages.DocumentLog, error) {
	s.reading <- struct{}{}
	<-s.release
	return &messages.DocumentLog{}, nil
}

// TestFewDocumentsAreReadAtOnce: contents are large, whoever reads them.
func TestFewDocumentsAreReadAtOnce(t *testing.T) {
	t.Parallel()
	s := &slowStore{reading: make(chan struct{}, readsAtOnce+1), release: make(chan struct{})}
	d := NewDocuments(nil, s)
	ended := make(chan error, readsAtOnce)
	for range readsAtOnce {
		go func() {
			_, _, err := d.ReadContent(t.Context(), "d")
			ended <- err
		}()
		<-s.reading
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, _, err := d.ReadMissing(impatient, "d", nil)
	require.True(t, messages.HasCode(err, messages.CodeOverloaded), "%v", err)
	close(s.release)
	for range readsAtOnce {
		require.NoError(t, <-ended)
	}
	_, _, err = d.ReadContent(t.Context(), "d")
	require.NoError(t, err, "the places are free again")
}
