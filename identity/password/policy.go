package password

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"atelier/messages"
)

// MinLength is how many characters a password needs where it is the only
// factor (NIST SP 800-63B-4, 3.1.1.1).
const MinLength = 15

//go:generate go run ./list -out common.txt

//go:embed common.txt
var common string

// blocked is the list in folded form, made at first use.
var blocked = sync.OnceValue(func() map[string]struct{} {
	list := make(map[string]struct{}, strings.Count(common, "\n"))
	for line := range strings.Lines(common) {
		list[fold(strings.TrimSuffix(line, "\n"))] = struct{}{}
	}
	return list
})

// Check refuses a password that must not be chosen: too short or long, common,
// a repetition, or made of the user's own name or address. There are no rules
// about kinds of characters.
func Check(password, name, email string) error {
	normal := norm.NFKC.String(password)
	switch n := utf8.RuneCountInString(normal); {
	case n < MinLength:
		return weak("the password must have at least %d characters; a few words do well", MinLength)
	case len(password) > maxInput:
		return weak("the password must have at most %d bytes", maxInput)
	case !utf8.ValidString(password):
		return weak("the password must be valid text")
	}
	if isCommon(normal) {
		return messages.Refuse(messages.CodeBreachedPassword, "the password is one of those that are tried first; choose another")
	}
	folded := fold(normal)
	for _, own := range ownWords(name, email) {
		if rest := strings.Trim(strings.ReplaceAll(folded, own, ""), fold(tail)); utf8.RuneCountInString(rest) < MinLength/2 {
			return weak("the password must not be made of your own name or address")
		}
	}
	return nil
}

func weak(format string, args ...any) error {
	return messages.Refuse(messages.CodeWeakPassword, format, args...)
}

// tail is what people put around a word to make it pass.
const tail = "0123456789!@#$%^&*()-_=+.,;:?/'\" "

// isCommon reports whether a password, or what it repeats, is on the list, with
// or without digits and signs around it.
func isCommon(password string) bool {
	for _, form := range []string{password, strings.Trim(password, tail)} {
		folded := fold(form)
		if _, listed := blocked()[folded]; listed || folded == "" {
			return true
		}
		core := unrepeated(folded)
		if _, listed := blocked()[core]; len(core) < len(folded) && (listed || utf8.RuneCountInString(core) < 6) {
			return true
		}
	}
	return false
}

// fold undoes what people do to common passwords: capitals, spaces, look-alike
// digits and signs.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		switch r {
		case '0':
			return 'o'
		case '1', '!', '|':
			return 'i'
		case '3':
			return 'e'
		case '4', '@':
			return 'a'
		case '5', '$':
			return 's'
		case '7':
			return 't'
		}
		return r
	}, strings.ToLower(s))
	return strings.Join(strings.Fields(s), "")
}

// unrepeated is the shortest word that s is repetitions of, s itself if none.
func unrepeated(s string) string {
	if i := strings.Index((s + s)[1:], s); i >= 0 && i+1 < len(s) {
		return s[:i+1]
	}
	return s
}

func ownWords(name, email string) []string {
	local, domain, _ := strings.Cut(email, "@")
	words := append(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '-' || r == '.' }), local, domain, email, "atelier")
	var own []string
	for _, w := range append(words, strings.ReplaceAll(name, " ", "")) {
		if w = fold(w); utf8.RuneCountInString(w) >= 3 {
			own = append(own, w)
		}
	}
	return own
}
