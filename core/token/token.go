package token

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// MaxLen is the longest token, in bytes. Longer ones are malformed.
const MaxLen = 8 << 10

const redacted = "token(redacted)"

// The errors of this package.
var (
	// ErrMalformed means a token that is over MaxLen, holds a byte outside
	// 0x21–0x7E or, on a socket, is a JWT that is not in its canonical spelling.
	ErrMalformed = errors.New("token: malformed")
	// ErrNone means that a request carries no token.
	ErrNone = errors.New("token: none found")
	// ErrConflict means that a socket carries two different tokens.
	ErrConflict = errors.New("token: two different values")
)

// Token is a credential. The zero value is "no token". Tokens are comparable:
// two are equal if they are spelled alike.
//
// It prints as "token(redacted)" wherever fmt, slog or encoding/json can reach
// its methods. They can't reach those of an unexported struct field, so a struct
// that keeps a Token in one must not be printed whole.
type Token struct {
	raw   string
	canon string // equal to raw, sharing its bytes, where the spelling is canonical
	form  form
}

// New takes a token as it was spelled. The spellings "", "null" and "undefined",
// which pages send when they have none, yield the zero Token. Errors:
// ErrMalformed.
func New(raw string) (Token, error) {
	switch raw {
	case "", "null", "undefined":
		return Token{}, nil
	}
	if !isWellFormed(raw) {
		return Token{}, ErrMalformed
	}
	f := formOf(raw)
	if f == opaque {
		return Token{raw: raw, canon: raw}, nil
	}
	return Token{raw: raw, canon: canonical(raw, f), form: f}, nil
}

func isWellFormed(raw string) bool {
	if len(raw) > MaxLen {
		return false
	}
	for i := range len(raw) {
		if raw[i] < 0x21 || raw[i] > 0x7E {
			return false
		}
	}
	return true
}

// Raw returns the token itself. It is the only way to see it.
func (t Token) Raw() string { return t.raw }

// Clone returns the token in memory of its own, for what outlives the request: its
// text is else a part of the request's head, which it would keep.
func (t Token) Clone() Token {
	same := t.canon == t.raw
	t.raw = strings.Clone(t.raw)
	if same {
		t.canon = t.raw
	} else {
		t.canon = strings.Clone(t.canon)
	}
	return t
}

// IsZero says whether there is no token.
func (t Token) IsZero() bool { return t.raw == "" }

// IsJWT says whether the token is a JWS or a JWE in compact form, in any
// spelling that a lenient decoder accepts.
func (t Token) IsJWT() bool { return t.form != opaque }

// Canonical returns the one canonical spelling of a JWT, and whether the token
// already has it. Every other token is its own.
func (t Token) Canonical() (Token, bool) {
	return Token{raw: t.canon, canon: t.canon, form: t.form}, t.raw == t.canon
}

// SignedPart returns what no holder of the token can change: of a JWS its header
// and payload in canonical spelling, else the whole token. ECDSA signatures can
// be replaced by other valid ones without the key, so a signature is no part of
// a login's identity.
func (t Token) SignedPart() string {
	if t.form != jws {
		return t.canon
	}
	for i := len(t.canon) - 1; i >= 0; i-- {
		if t.canon[i] == '.' {
			return t.canon[:i]
		}
	}
	return t.canon
}

// String returns "token(redacted)".
func (t Token) String() string { return redacted }

// GoString returns "token(redacted)".
func (t Token) GoString() string { return redacted }

// Format prints "token(redacted)" for every verb; without it, %d prints the
// fields of a struct.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue returns "token(redacted)".
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "token(redacted)", for encoding/json too.
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "token(redacted)" as a JSON string.
func (t Token) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
