package token

import "strings"

// cutPadding cuts each part of a JWT at its first padding character, if there
// is one before the part's end.
func cutPadding(jwt string) (string, bool) {
	parts := strings.Split(jwt, ".")
	cut := false
	for i, p := range parts {
		head, tail, ok := strings.Cut(p, "=")
		if ok && strings.Trim(tail, "=") != "" {
			cut = true
		}
		parts[i] = head
	}
	return strings.Join(parts, "."), cut
}
