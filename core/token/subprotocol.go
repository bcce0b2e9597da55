package token

import (
	"encoding/base64"
	"iter"
	"net/http"
	"strings"
)

// The subprotocols of `new WebSocket(url, ["wsgate", "token.<base64url>"])`.
const (
	subprotocolName   = "wsgate"
	subprotocolPrefix = "token."
)

// offers yields the subprotocols that a client offers.
func offers(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range r.Header["Sec-Websocket-Protocol"] {
			for line != "" {
				var name string
				name, line, _ = strings.Cut(line, ",")
				if name = strings.TrimSpace(name); name != "" && !yield(name) {
					return
				}
			}
		}
	}
}

// bareOffer is the one subprotocol that a client offers, where that is not of this
// package's own form.
func bareOffer(r *http.Request) string {
	only := ""
	for name := range offers(r) {
		if only != "" || name == subprotocolName || strings.HasPrefix(name, subprotocolPrefix) {
			return ""
		}
		only = name
	}
	return only
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
// nothing. A browser fails a socket whose offer is not answered; a token must not be
// echoed, but for one that is the only offer of a client that expects just that.
func (f *Finder) SubprotocolReply(r *http.Request) string {
	if !f.subprotocol {
		return ""
	}
	for name := range offers(r) {
		if name == subprotocolName {
			return subprotocolName
		}
	}
	if name := bareOffer(r); f.bare && isToken(name) {
		return name
	}
	return ""
}
