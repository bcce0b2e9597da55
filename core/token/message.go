package token

import (
	"encoding/json"
	"strings"
)

// FirstMessage says whether a socket that carries no token may send it as its first
// message.
func (f *Finder) FirstMessage() bool { return f.firstMessage }

// maxMessage bounds the JSON around a token.
const maxMessage = 2 * MaxLen

// FromMessage reads the token of a socket's first message: the token alone, or a JSON
// object whose member `token` it is. Blanks around it don't count. Errors: ErrNone;
// ErrMalformed, also for a JWT in another than its canonical spelling.
func FromMessage(p []byte) (Token, error) {
	if len(p) > maxMessage {
		return Token{}, ErrMalformed
	}
	raw := strings.TrimSpace(string(p))
	if strings.HasPrefix(raw, "{") {
		// Anything else that begins so is taken for a token, as the rest is: it
		// will be nobody's.
		var object struct {
			Token *string `json:"token"`
		}
		if json.Unmarshal([]byte(raw), &object) == nil {
			raw = ""
			if object.Token != nil {
				raw = strings.TrimSpace(*object.Token)
			}
		}
	}
	t, err := New(raw)
	if err != nil {
		return Token{}, err
	}
	if t.IsZero() {
		return Token{}, ErrNone
	}
	if _, canonical := t.Canonical(); !canonical {
		return Token{}, ErrMalformed
	}
	return t, nil
}
