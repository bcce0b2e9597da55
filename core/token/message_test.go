package token

import (
	"errors"
	"strings"
	"testing"
)

func TestFromMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message, want string
		err           error
	}{
		"bare":                {"abc", "abc", nil},
		"blanks around":       {" abc\n", "abc", nil},
		"JSON":                {`{"token":"abc"}`, "abc", nil},
		"JSON with more":      {` {"type":"auth", "token": " abc "} `, "abc", nil},
		"brace, but no JSON":  {"{abc", "{abc", nil},
		"JSON, no token":      {`{"type":"auth"}`, "", ErrNone},
		"JSON, null":          {`{"token":null}`, "", ErrNone},
		"JSON, a number":      {`{"token":7}`, `{"token":7}`, nil},
		"empty":               {"", "", ErrNone},
		"blank":               {"  ", "", ErrNone},
		"undefined":           {"undefined", "", ErrNone},
		"null":                {"null", "", ErrNone},
		"two words":           {"Bearer abc", "", ErrMalformed},
		"not ASCII":           {"abcé", "", ErrMalformed},
		"long":                {strings.Repeat("x", MaxLen), strings.Repeat("x", MaxLen), nil},
		"too long":            {strings.Repeat("x", MaxLen+1), "", ErrMalformed},
		"too long around":     {strings.Repeat(" ", maxMessage) + "x", "", ErrMalformed},
		"a JWT":               {testJWT, testJWT, nil},
		"a JWT spelled other": {testJWT + "=", "", ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FromMessage([]byte(c.message))
			if got.Raw() != c.want || !errors.Is(err, c.err) {
				t.Errorf("%.80q, %v; want %.80q, %v", got.Raw(), err, c.want, c.err)
			}
		})
	}
}

func FuzzFromMessage(f *testing.F) {
	for _, s := range []string{"abc", `{"token":"abc"}`, "{", testJWT} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := FromMessage(p)
		if err != nil {
			if !got.IsZero() {
				t.Errorf("a token and %v", err)
			}
			return
		}
		again, err := FromMessage([]byte(" " + got.Raw()))
		if strings.HasPrefix(got.Raw(), "{") {
			return // may be JSON itself
		}
		if err != nil || again != got {
			t.Errorf("%v, %v after %q", again.Raw(), err, got.Raw())
		}
	})
}

const testJWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.abcd"
