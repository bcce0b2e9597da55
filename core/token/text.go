package token

import (
	"strings"
	"unicode"
)

// trim removes what backends trim off: Java everything up to the space, scripts
// every Unicode space and the byte order mark.
func trim(v string) string {
	return strings.TrimFunc(v, func(r rune) bool {
		return r <= ' ' || r == 0x7F || r == 0xFEFF || unicode.IsSpace(r)
	})
}

func unquote(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// unescape decodes percent escapes and keeps what is none, as lenient servers do.
func unescape(v string) string {
	i := strings.IndexByte(v, '%')
	if i < 0 {
		return v
	}
	b := append(make([]byte, 0, len(v)), v[:i]...)
	for ; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			hi, lo := unhex(v[i+1]), unhex(v[i+2])
			if hi < 16 && lo < 16 {
				b = append(b, hi<<4|lo)
				i += 2
				continue
			}
		}
		b = append(b, v[i])
	}
	return string(b)
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xFF
}
