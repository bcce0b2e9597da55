//go:build linux

package stub

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/token"
)

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		run, want := rapid.String().Draw(t, "run"), rapid.IntRange(0, 1<<20).Draw(t, "index")
		raw := Token(run, want)
		if got, ok := Index([]byte(raw)); !ok || got != want {
			t.Fatalf("got %d, %v, want %d", got, ok, want)
		}
		parsed, err := token.New(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, canonical := parsed.Canonical(); !parsed.IsJWT() || !canonical {
			t.Fatal("the gate would not take this for a JWT in its canonical spelling")
		}
	})
}

func TestIndexRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", header, header + "!!.x", header + "e30.x"} {
		if _, ok := Index([]byte(s)); ok {
			t.Errorf("%q has an index", s)
		}
	}
}

func TestInfoIsJSON(t *testing.T) {
	t.Parallel()
	for _, p := range [][]byte{appendInfo(nil, 4), page} {
		if !json.Valid(p) {
			t.Errorf("not JSON: %s", p)
		}
	}
}
