package http

import (
	"fmt"
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
	return fmt.Sprintf("00-%s-%016x-%s", t[3:35], rand.Uint64()|1, t[53:55])
}

// newTrace begins a trace that nobody samples.
func newTrace() string {
	return fmt.Sprintf("00-%016x%016x-%016x-00", rand.Uint64(), rand.Uint64()|1, rand.Uint64()|1)
}

func isHex(s string) bool  { return strings.Trim(s, "0123456789abcdef") == "" }
func isZero(s string) bool { return strings.Trim(s, "0") == "" }
