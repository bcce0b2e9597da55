package channel

import (
	"unicode"
	"unicode/utf8"
)

const (
	// maxPart is how many characters a part may stand for.
	maxPart = 128
	// maxPartBytes is how many bytes these can have.
	maxPartBytes = maxPart * utf8.UTFMax
)

// inPart reports whether a part may hold r.
func inPart(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return inPartByte(byte(r))
	case r == utf8.RuneError:
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

func inPartByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == '.' || c == '@' || c == '-'
}

// spanOfPart returns how many bytes at the start of s a part may hold, without
// regard to how many.
func spanOfPart(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !inPartByte(c) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !inPart(r) {
			return i
		}
		i += n
	}
	return len(s)
}

// isPart reports whether s can be the whole of a part.
func isPart(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > maxPartBytes || spanOfPart(s) != len(s) {
		return false
	}
	return len(s) <= maxPart || utf8.RuneCountInString(s) <= maxPart
}
