package app

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// tokenClaims is all that the token says. There is no issue or expiry time in
// it: how long a login lives is decided by the session that the key names.
type tokenClaims struct {
	Subject      string `json:"sub"`
	LoginUserKey string `json:"login_user_key"`
}

var errBadToken = errors.New("app: bad token")

var b64 = base64.RawURLEncoding

// signToken makes an HS512 JSON Web Token (RFC 7519).
func signToken(key []byte, c tokenClaims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := b64.EncodeToString([]byte(`{"alg":"HS512"}`)) + "." + b64.EncodeToString(payload)
	return signed + "." + b64.EncodeToString(mac(key, signed)), nil
}

// parseToken verifies a token and gives its claims. As most libraries do, it
// takes any spelling of the signature that decodes to the same bytes.
func parseToken(key []byte, token string) (tokenClaims, error) {
	var c tokenClaims
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return c, errBadToken
	}
	header, payload, ok := strings.Cut(token[:dot], ".")
	if !ok {
		return c, errBadToken
	}
	var h struct {
		Alg string `json:"alg"`
	}
	// Fixing the algorithm is what keeps "none" out (RFC 8725 section 3.1).
	if decode(header, &h) != nil || h.Alg != "HS512" {
		return c, errBadToken
	}
	sig, err := b64.DecodeString(token[dot+1:])
	if err != nil || !hmac.Equal(sig, mac(key, token[:dot])) {
		return c, errBadToken
	}
	if decode(payload, &c) != nil {
		return tokenClaims{}, errBadToken
	}
	return c, nil
}

func decode(part string, v any) error {
	raw, err := b64.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

func mac(key []byte, signed string) []byte {
	h := hmac.New(sha512.New, key)
	h.Write([]byte(signed))
	return h.Sum(nil)
}
