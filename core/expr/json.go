package expr

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/core/token"
)

// errJSON does not say what was there instead: it may be secret.
var errJSON = errors.New("expr: not a JSON document")

// DecodeJSON decodes one JSON document, with or without a byte order mark.
// Integers are int64, beyond that uint64, beyond that their decimal text; other
// numbers are float64.
func DecodeJSON(b []byte) (any, error) { return DecodeFields(b, Everything) }

// DecodeFields is DecodeJSON, but may leave out what is not wanted. The whole
// document must be valid all the same.
func DecodeFields(b []byte, want *Fields) (any, error) {
	p := parser{in: bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))}
	v, ok := p.document(want)
	if !ok {
		return nil, errJSON
	}
	return v, nil
}

func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n
	}
	if !strings.ContainsAny(s, ".eE") {
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil { // out of range: 1e999
		return s
	}
	return f
}

// JWTClaims returns the payload of a JWS, unverified: only the backend's answer
// says whether it is true. It is false for any other token, and where the
// payload is no JSON object.
func JWTClaims(t token.Token) (any, bool) {
	if !t.IsJWT() {
		return nil, false
	}
	canon, _ := t.Canonical()
	parts := strings.Split(canon.Raw(), ".")
	if len(parts) != 3 {
		return nil, false
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, false
	}
	v, err := DecodeJSON(b)
	if err != nil {
		return nil, false
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, false
	}
	return v, true
}
