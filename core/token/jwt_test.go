package token

import (
	"encoding/base64"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	h := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + ".e30."
	for name, c := range map[string]struct{ raw, want string }{
		"canonical":          {h + "AAAA", h + "AAAA"},
		"no signature":       {h, h},
		"padding":            {h + "AA==", h + "AA"},
		"padding elsewhere":  {strings.Replace(h, ".e30.", ".e30=.", 1) + "AA", h + "AA"},
		"alphabet":           {h + "+/+/", h + "-_-_"},
		"strangers":          {h + "A!A~A:A,", h + "AAAA"},
		"four unused bits":   {h + "AP", h + "AA"},
		"two unused bits":    {h + "AAD", h + "AAA"},
		"lone character":     {h + "AAAAA", h + "AAAA"},
		"trailing dots":      {h + "AAAA..", h + "AAAA"},
		"no signature dots":  {h + "..", h},
		"nothing but a head": {h[:len(h)-5] + "..", h[:len(h)-5] + ".."},
		"opaque untouched":   {"a+/=!", "a+/=!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := mustNew(t, c.raw).Canonical()
			if got.Raw() != c.want || ok != (c.raw == c.want) {
				t.Fatalf("Canonical = %q, %v; want %q", got.Raw(), ok, c.want)
			}
		})
	}
}

// respell draws another spelling of a canonical JWT that a lenient decoder reads
// as the same bytes.
func respell(t *rapid.T, canon string) string {
	junk := rapid.SampledFrom([]string{"!", "~", "=", "==", ":", "%", "@", "|"})
	var out strings.Builder
	for i, part := range strings.Split(canon, ".") {
		if i > 0 {
			out.WriteByte('.')
		}
		for j := range len(part) {
			c := part[j]
			if j == len(part)-1 && rapid.Bool().Draw(t, "bits") {
				if unused := map[int]int{2: 15, 3: 3}[len(part)%4]; unused > 0 {
					c = alphabet[int(sextet[c])|rapid.IntRange(0, unused).Draw(t, "low bits")]
				}
			}
			if rapid.Bool().Draw(t, "alphabet") {
				switch c {
				case '-':
					c = '+'
				case '_':
					c = '/'
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "junk?") == 0 {
				out.WriteString(junk.Draw(t, "junk"))
			}
			out.WriteByte(c)
		}
		if len(part)%4 == 0 && part != "" && rapid.Bool().Draw(t, "lone") {
			out.WriteByte('x')
		}
	}
	out.WriteString(rapid.SampledFrom([]string{"", "=", ".", ".."}).Draw(t, "end"))
	return out.String()
}

func TestEverySpellingHasOneFingerprint(t *testing.T) {
	t.Parallel()
	key := NewKey("secret", "default")
	rapid.Check(t, func(t *rapid.T) {
		e := base64.RawURLEncoding.EncodeToString
		canon := e([]byte(`{"alg":"HS256"}`)) + "." + e(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")) + "." + e(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "signature"))
		a, err := New(canon)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := a.Canonical(); !ok {
			t.Fatalf("an encoder's own spelling %q is not canonical", canon)
		}
		other := respell(t, canon)
		b, err := New(other)
		if err != nil {
			t.Fatal(err)
		}
		if !b.IsJWT() || key.Fingerprint(a) != key.Fingerprint(b) {
			t.Fatalf("%q and %q have two fingerprints", canon, other)
		}
		if _, ok := b.Canonical(); ok != (canon == other) {
			t.Fatalf("%q is canonical: %v", other, ok)
		}
	})
}

func FuzzNew(f *testing.F) {
	f.Add(hs256)
	f.Add("362466325")
	f.Add("null")
	f.Add("e30..")
	f.Fuzz(func(t *testing.T, raw string) {
		tok, err := New(raw)
		if err != nil && !tok.IsZero() {
			t.Fatal("an error with a token")
		}
		if !tok.IsZero() && (tok.Raw() != raw || len(raw) > MaxLen || strings.ContainsAny(raw, " \t\r\n\x00\x7f")) {
			t.Fatalf("accepted %q as %q", raw, tok.Raw())
		}
	})
}

func FuzzCanonical(f *testing.F) {
	f.Add(hs256)
	f.Add(hs256 + "==")
	f.Add("eyJhbGciOiJub25lIn0.e30..")
	key := NewKey("", "default")
	f.Fuzz(func(t *testing.T, raw string) {
		tok, err := New(raw)
		if err != nil || tok.IsZero() {
			return
		}
		c, _ := tok.Canonical()
		again, ok := c.Canonical()
		if again != c || !ok {
			t.Fatalf("%q → %q → %q", raw, c.Raw(), again.Raw())
		}
		fresh := mustNew(t, c.Raw())
		if _, ok := fresh.Canonical(); !ok || fresh != c {
			t.Fatalf("%q is not canonical when read again", c.Raw())
		}
		if key.Fingerprint(tok) != key.Fingerprint(c) {
			t.Fatal("two fingerprints")
		}
		for _, other := range []string{raw + "=", raw + "."} {
			o, err := New(other)
			if tok.form == jws && err == nil && strings.Count(other, ".") <= 3 && !strings.HasSuffix(raw, ".") && key.Fingerprint(o) != key.Fingerprint(tok) {
				t.Fatalf("%q and %q have two fingerprints", raw, other)
			}
		}
	})
}
