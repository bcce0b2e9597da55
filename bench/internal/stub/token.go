//go:build linux

package stub

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strconv"
)

// header is {"alg":"HS512"}, as RuoYi's tokens begin.
const header = "eyJhbGciOiJIUzUxMiJ9."

// Token is a token of RuoYi's shape: a JWT that holds a login key and the
// account's name. Each run and index has its own account and login, so that
// nothing displaces anything. The signature is the right length and nobody's.
func Token(run string, i int) string {
	claims := fmt.Sprintf(`{"sub":"u%d","login_user_key":"%.8x-0000-4000-8000-%012x"}`,
		i+1, sha512.Sum512([]byte(run)), i)
	signed := header + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sum := sha512.Sum512([]byte(run + signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(sum[:])
}

// Index is the index that a token was made with.
func Index(token []byte) (int, bool) {
	rest, ok := bytes.CutPrefix(token, []byte(header))
	if !ok {
		return 0, false
	}
	claims, _, _ := bytes.Cut(rest, []byte("."))
	var buf [256]byte
	if base64.RawURLEncoding.DecodedLen(len(claims)) > len(buf) {
		return 0, false
	}
	n, err := base64.RawURLEncoding.Decode(buf[:], claims)
	if err != nil || n < 14 {
		return 0, false
	}
	i, err := strconv.ParseInt(string(buf[n-14:n-2]), 16, 64)
	return int(i), err == nil
}

// queryToken is the value of `token=`, wherever it stands.
func queryToken(query []byte) []byte {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		if v, ok := bytes.CutPrefix(pair, []byte("token=")); ok {
			return v
		}
	}
	return nil
}
