package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	opening  = 16 // sockets at one time
	earEvery = 50 // of so many sockets one takes down when messages came
)

// mark is in each message once, in front of its number, and nowhere else in what
// servers say.
const (
	mark       = '~'
	markDigits = 10
)

// tagged is the mark and the number of the n-th message.
func tagged(n int) string { return fmt.Sprintf("%c%0*d", mark, markDigits, n) }

// marked is the text of the n-th message.
func marked(n int) string { return tagged(n) + strings.Repeat(" and more", 20) }

// ears take down how long messages took to come to some of the sockets.
type ears struct {
	began     time.Time
	measuring atomic.Bool
	sent      [1 << 16]atomic.Int64
	heard     [][]float64 // ms, by ear
}

func newEars(sockets int) *ears {
	return &ears{began: time.Now(), heard: make([][]float64, sockets/earEvery+1)}
}

// sends is called before the n-th message goes out.
func (e *ears) sends(n int) { e.sent[n%len(e.sent)].Store(int64(time.Since(e.began))) }

// hear takes down the messages of a piece that has come to the i-th socket.
func (e *ears) hear(i int, piece []byte, whole bool) {
	if i%earEvery != 0 || !whole || !e.measuring.Load() {
		return
	}
	now := time.Since(e.began)
	for at := bytes.IndexByte(piece, mark); at >= 0 && len(piece) > at+markDigits; at = bytes.IndexByte(piece, mark) {
		n, _ := strconv.Atoi(string(piece[at+1 : at+1+markDigits]))
		e.heard[i/earEvery] = append(e.heard[i/earEvery], (now-time.Duration(e.sent[n%len(e.sent)].Load())).Seconds()*1e3)
		piece = piece[at+1:]
	}
}

// took is what was taken down, when nobody hears any more.
func (e *ears) took() []float64 { return slices.Concat(e.heard...) }

// spread does something for each of n, so many at one time, and each of those stops where it
// fails.
func spread(n, atOnce int, do func(i int) error) error {
	failures := make([]error, atOnce)
	var all sync.WaitGroup
	for k := range atOnce {
		all.Go(func() {
			for i := k; i < n && failures[k] == nil; i += atOnce {
				failures[k] = do(i)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// hangUp closes those sockets that were opened.
func hangUp(lines []*socket) {
	for _, line := range lines {
		if line != nil {
			line.conn.Close()
		}
	}
}
