package password

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"atelier/messages"
)

// Judge says how good a password would be, 0 to 4, by what Check refuses and, above
// that, by length and variety: 2 is the least that may be chosen. Breached are those
// that are on the list. The suggestions say what would make it better.
func Judge(password string) (score int, breached bool, suggestions []string) {
	err := Check(password, "", "")
	if messages.HasCode(err, messages.CodeBreachedPassword) || isCommon(norm.NFKC.String(password)) {
		return 0, true, []string{"choose one that others do not: a few words that have nothing to do with each other"}
	}
	length, distinct := utf8.RuneCountInString(norm.NFKC.String(password)), different(password)
	switch {
	case length < MinLength/2:
		score = 0
	case err != nil:
		score = 1
	case length >= 25 && distinct >= 12:
		return 4, false, nil
	case length >= 20 && distinct >= 10:
		score = 3
	default:
		score = 2
	}
	if length < MinLength {
		suggestions = append(suggestions, "use at least 15 characters; a few words do well")
	} else if length < 25 {
		suggestions = append(suggestions, "add a word or two")
	}
	if distinct < 12 {
		suggestions = append(suggestions, "use more different characters")
	}
	return score, false, suggestions
}

func different(password string) int {
	seen := map[rune]bool{}
	for _, r := range fold(norm.NFKC.String(password)) {
		seen[r] = true
	}
	return len(seen)
}
