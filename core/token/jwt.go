package token

import (
	"encoding/json"
	"strings"
)

// form is what kind of token it is.
type form uint8

const (
	opaque form = iota
	jws         // header.payload.signature
	jwe         // header.key.iv.ciphertext.tag
)

// dots is how many a form has.
var dots = [...]int{jws: 2, jwe: 4}

// formOf recognises a JWT by its first part, which must decode to a JSON object
// with "alg" (RFC 7515 section 4.1.1), or "enc" in five parts (RFC 7516 section
// 4.1.2). Surplus dots at the end are ignored: Java's String.split drops the
// empty parts behind them, so libraries built on it accept them.
func formOf(s string) form {
	first := strings.IndexByte(s, '.')
	if first <= 0 {
		return opaque
	}
	total := strings.Count(s, ".")
	needed := strings.Count(strings.TrimRight(s, "."), ".")
	switch {
	case needed <= dots[jwe] && dots[jwe] <= total && hasMember(s[:first], "enc"):
		return jwe
	case needed <= dots[jws] && dots[jws] <= total && hasMember(s[:first], "alg"):
		return jws
	}
	return opaque
}

// cutDots removes the surplus dots of a JWT.
func cutDots(s string, f form) string {
	body := strings.TrimRight(s, ".")
	return s[:len(body)+dots[f]-strings.Count(body, ".")]
}

// canonical spells a JWT in the one way that an encoder following RFC 7515
// section 2 would: only the URL alphabet, no padding, unused bits zero.
func canonical(s string, f form) string {
	s = cutDots(s, f)
	if isCanonical(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	part := make([]byte, 0, len(s))
	for i := range len(s) + 1 {
		if i < len(s) && s[i] != '.' {
			if c := urlAlphabet[s[i]]; c != 0 {
				part = append(part, c)
			}
			continue
		}
		b.Write(trimBits(part))
		part = part[:0]
		if i < len(s) {
			b.WriteByte('.')
		}
	}
	return b.String()
}

// isCanonical is canonical's fast way out: most tokens are spelled as issued.
func isCanonical(s string) bool {
	start := 0
	for i := range len(s) + 1 {
		if i < len(s) && s[i] != '.' {
			if urlAlphabet[s[i]] != s[i] {
				return false
			}
			continue
		}
		if n := i - start; n > 0 {
			if n%4 == 1 || zeroUnused(s[i-1], n) != s[i-1] {
				return false
			}
		}
		start = i + 1
	}
	return true
}

// trimBits zeroes the bits of the last character that belong to no byte, and
// drops a last character that has none that do.
func trimBits(part []byte) []byte {
	n := len(part)
	if n%4 == 1 {
		return part[:n-1]
	}
	if n > 0 {
		part[n-1] = zeroUnused(part[n-1], n)
	}
	return part
}

func zeroUnused(c byte, n int) byte {
	switch n % 4 {
	case 2:
		return alphabet[sextet[c]&0x30]
	case 3:
		return alphabet[sextet[c]&0x3C]
	}
	return c
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// urlAlphabet maps both base64 alphabets onto the URL one, all else onto 0;
// sextet gives the six bits of each character of the URL alphabet.
var urlAlphabet, sextet = func() (u, s [256]byte) {
	for i := range len(alphabet) {
		u[alphabet[i]] = alphabet[i]
		s[alphabet[i]] = byte(i)
	}
	u['+'], u['/'] = '-', '_'
	return u, s
}()

// hasMember says whether part, decoded leniently, is a JSON object with that
// member at its top.
func hasMember(part, name string) bool {
	var stack [768]byte
	b := decode(stack[:0], part)
	if !json.Valid(b) {
		return false
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
			if depth == 1 && b[i] == '[' {
				return false
			}
		case '}', ']':
			depth--
		case '"':
			from := i + 1
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 1 && string(b[from:i]) == name && nextIsColon(b[i+1:]) {
				return true
			}
		}
	}
	return false
}

func nextIsColon(b []byte) bool {
	for _, c := range b {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == ':'
		}
	}
	return false
}

// decode appends what a lenient base64 decoder makes of s: characters of no
// alphabet are skipped.
func decode(dst []byte, s string) []byte {
	var acc uint32
	var bits uint
	for i := range len(s) {
		c := urlAlphabet[s[i]]
		if c == 0 {
			continue
		}
		acc = acc<<6 | uint32(sextet[c])
		if bits += 6; bits >= 8 {
			bits -= 8
			dst = append(dst, byte(acc>>bits))
		}
	}
	return dst
}
