package mail

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Directory writes mails into a directory, each a file that any mail reader opens,
// in the place of a server that sends them.
type Directory struct{ path string }

// NewDirectory makes the directory where there is none.
func NewDirectory(path string) (*Directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("mail: the directory for mails: %w", err)
	}
	return &Directory{path}, nil
}

// Send writes the mail. The file appears whole or not at all; a mail that is sent
// again is the same file.
func (d *Directory) Send(_ context.Context, m *Message) (err error) {
	text, err := render(m)
	if err != nil {
		return err
	}
	unfinished, err := os.CreateTemp(d.path, ".unfinished-*")
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(unfinished.Name())
		}
	}()
	_, err = unfinished.Write(text)
	if synced := unfinished.Sync(); err == nil {
		err = synced
	}
	if closed := unfinished.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(unfinished.Name(), filepath.Join(d.path, m.Date.UTC().Format("20060102-150405")+"-"+m.Kind+"-"+m.ID+".eml"))
	}
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}
