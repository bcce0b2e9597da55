package app

import (
	"bytes"
	"testing"
)

var fuzzKey = []byte("a key that only this test uses")

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	want := tokenClaims{Subject: "admin", LoginUserKey: newSessionID()}
	token, err := signToken(fuzzKey, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseToken(fuzzKey, token); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := parseToken([]byte("another key"), token); err == nil {
		t.Error("a token of another key is taken")
	}
}

// What is taken was signed with the key, whatever else it looks like.
func FuzzParseToken(f *testing.F) {
	good, err := signToken(fuzzKey, tokenClaims{Subject: "admin", LoginUserKey: "k"})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{good, "", ".", "..", "...", "eyJhbGciOiJub25lIn0..", good + ".", "." + good, good[:len(good)-1]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := parseToken(fuzzKey, token)
		if err != nil {
			if c != (tokenClaims{}) {
				t.Errorf("claims %+v with an error", c)
			}
			return
		}
		dot := bytes.LastIndexByte([]byte(token), '.')
		sig, err := b64.DecodeString(token[dot+1:])
		if err != nil || !bytes.Equal(sig, mac(fuzzKey, token[:dot])) {
			t.Errorf("%q is taken", token)
		}
	})
}
