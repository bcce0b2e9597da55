package token

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// nextParam cuts the first parameter off a raw query. Old servers split at
// semicolons too. The name is decoded, the value is not. sep is the separator
// behind the parameter, or 0 at the end.
func nextParam(q string) (name, value, param, rest string, sep byte) {
	param = q
	if i := strings.IndexAny(q, "&;"); i >= 0 {
		param, sep, rest = q[:i], q[i], q[i+1:]
	}
	name, value, _ = strings.Cut(param, "=")
	return unescape(name), value, param, rest, sep
}

// nextCookie cuts the first pair off the value of a Cookie header.
func nextCookie(line string) (name, value, rest string) {
	pair, rest, _ := strings.Cut(line, ";")
	name, value, _ = strings.Cut(pair, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), rest
}

// The subprotocols of `new WebSocket(url, ["wsgate", "token.<base64url>"])`.
const (
	subprotocolName   = "wsgate"
	subprotocolPrefix = "token."
)

// nextSubprotocol cuts the first name off a Sec-WebSocket-Protocol value.
func nextSubprotocol(line string) (name, rest string) {
	name, rest, _ = strings.Cut(line, ",")
	return strings.TrimSpace(name), rest
}

// subprotocolToken decodes the token of an offered subprotocol. The encoding is
// ours, so it is read strictly.
func subprotocolToken(name string) (value string, is bool, err error) {
	enc, is := strings.CutPrefix(name, subprotocolPrefix)
	if !is {
		return "", false, nil
	}
	if len(enc) > base64.RawURLEncoding.EncodedLen(MaxLen) {
		return "", true, ErrMalformed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(enc)
	if err != nil {
		return "", true, ErrMalformed
	}
	return string(b), true, nil
}

// SubprotocolReply returns what to answer in Sec-WebSocket-Protocol, or "" for
// nothing. A browser fails a socket whose offer is not answered, and the token
// itself must not be echoed.
func (f *Finder) SubprotocolReply(r *http.Request) string {
	if !f.subprotocol {
		return ""
	}
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for line != "" {
			var name string
			if name, line = nextSubprotocol(line); name == subprotocolName {
				return subprotocolName
			}
		}
	}
	return ""
}
