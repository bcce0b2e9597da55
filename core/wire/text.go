package wire

import (
	"strings"
	"unicode/utf8"
)

// cutText is s as valid UTF-8 (what is not is replaced by U+FFFD) of at most n
// bytes, cut between characters. Used for everything that echoes a client.
func cutText(s string, n int) string {
	// Four more bytes than can be kept, so that a giant s costs no giant copy.
	if len(s) > n+utf8.UTFMax {
		s = s[:n+utf8.UTFMax]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
