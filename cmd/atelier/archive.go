package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A backup is a tar in gzip: a part for each table, or the one file of an embedded
// database, in the order in which they are restored, and behind them the manifest.
const manifestName = "manifest.json"

// manifest says what is in a backup.
type manifest struct {
	Engine  string     `json:"engine"` // postgres or sqlite
	Schema  int64      `json:"schema"`
	Program string     `json:"program"`
	Created time.Time  `json:"created"`
	Parts   []partInfo `json:"parts"`
}

type partInfo struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// archive is a backup that is being written. It is there under its name once it is
// whole.
type archive struct {
	path string
	file *os.File
	gzip *gzip.Writer
	tar  *tar.Writer
	manifest
}

// newArchive begins a backup, readable to its owner alone.
func newArchive(path string, m manifest) (*archive, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s is there already; name another file", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".partial-*")
	if err != nil {
		return nil, err
	}
	a := &archive{path: path, file: file, gzip: gzip.NewWriter(file), manifest: m}
	a.tar = tar.NewWriter(a.gzip)
	return a, nil
}

// add writes a part from its beginning.
func (a *archive) add(name string, rows int64, part *os.File) error {
	size, err := part.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = part.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := a.write(name, size, io.TeeReader(part, sum)); err != nil {
		return err
	}
	a.Parts = append(a.Parts, partInfo{Name: name, Rows: rows, Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

func (a *archive) write(name string, size int64, content io.Reader) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: a.Created}); err != nil {
		return err
	}
	_, err := io.Copy(a.tar, content)
	return err
}

// temporary has a part filled in a file beside the backup.
func (a *archive) temporary(fill func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(a.path), ".atelier-part-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	return fill(file)
}

// close puts the backup on the disk, under its name, and tells its size.
func (a *archive) close() (size int64, err error) {
	text, err := json.MarshalIndent(a.manifest, "", "  ")
	if err != nil {
		return 0, err
	}
	if err := a.write(manifestName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return 0, err
	}
	if err := errors.Join(a.tar.Close(), a.gzip.Close(), a.file.Sync()); err != nil {
		return 0, err
	}
	info, err := a.file.Stat()
	if err != nil {
		return 0, err
	}
	if err := errors.Join(a.file.Close(), os.Link(a.file.Name(), a.path), os.Remove(a.file.Name())); err != nil {
		return 0, err
	}
	return info.Size(), flushDirectory(filepath.Dir(a.path))
}

// abandon removes what was written of a backup that will not be whole.
func (a *archive) abandon() {
	_ = a.file.Close()
	_ = os.Remove(a.file.Name())
}

// readArchive reads a backup to its end, and refuses one of which a byte is missing
// or another.
func readArchive(path string) (*manifest, error) {
	seen := map[string]partInfo{}
	var m *manifest
	err := eachPart(path, func(name string, content io.Reader) error {
		if name == manifestName {
			return json.NewDecoder(content).Decode(&m)
		}
		sum := sha256.New()
		n, err := io.Copy(sum, content)
		seen[name] = partInfo{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
		return err
	})
	if err != nil || m == nil {
		return nil, fmt.Errorf("%s is no backup, or not whole: %w", path, cmp.Or(err, io.ErrUnexpectedEOF))
	}
	for _, p := range m.Parts {
		if seen[p.Name].SHA256 != p.SHA256 {
			return nil, fmt.Errorf("%s is damaged: the part %s is not what was written", path, p.Name)
		}
	}
	return m, nil
}

func eachPart(path string, do func(name string, content io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	parts := tar.NewReader(unzipped)
	for {
		header, err := parts.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, unzipped) // its checksum is at the end
			return err
		}
		if err == nil {
			err = do(header.Name, parts)
		}
		if err != nil {
			return err
		}
	}
}
