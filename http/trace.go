package http

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
)

const headerTrace = "Traceparent"

// continued is the caller's trace (W3C Trace Context) with a span of our own;
// empty where there is none to continue.
func continued(header []byte) string {
	const length = 55 // 00-<32>-<16>-<2>
	t := string(header)
	if len(t) < length || t[2] != '-' || t[35] != '-' || t[52] != '-' || !isHex(t[:2]) || !isHex(t[3:35]) || !isHex(t[36:52]) || !isHex(t[53:55]) {
		return ""
	}
	newer := t[:2] != "00" // what a later version adds is cut off
	if t[:2] == "ff" || isZero(t[3:35]) || isZero(t[36:52]) || len(t) > length && (!newer || t[length] != '-') {
		return ""
	}
	b := append(make([]byte, 0, length), "00-"+t[3:36]...)
	return string(append(appendID(b), t[52:55]...))
}

// newTrace begins a trace that nobody samples.
func newTrace() string {
	b := append(make([]byte, 0, 55), "00-"...)
	b = append(appendID(appendID(b)), '-')
	return string(append(appendID(b), "-00"...))
}

// appendID renders eight random bytes, not all of them zero.
func appendID(b []byte) []byte {
	return hex.AppendEncode(b, binary.BigEndian.AppendUint64(nil, rand.Uint64()|1))
}

func isHex(s string) bool  { return strings.Trim(s, "0123456789abcdef") == "" }
func isZero(s string) bool { return strings.Trim(s, "0") == "" }
