package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// sample returns a JWS whose signature is sig.
func sample(header, payload, sig string) string {
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(header)) + "." + e.EncodeToString([]byte(payload)) + "." + sig
}

var hs256 = sample(`{"typ":"JWT","alg":"HS256"}`, `{"sub":"1","pad":"?>?>~~"}`, "c2lnbmF0dXJlLW9mLTMyLWJ5dGVzLS0tLS0tLS0tLS0")

func mustNew(tb testing.TB, raw string) Token {
	tb.Helper()
	tok, err := New(raw)
	if err != nil {
		tb.Fatalf("New(%q): %v", raw, err)
	}
	return tok
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  string
		err  error
		zero bool
	}{
		"empty":        {"", nil, true},
		"null":         {"null", nil, true},
		"undefined":    {"undefined", nil, true},
		"plain":        {"362466325", nil, false},
		"all allowed":  {"!~|+/=%", nil, false},
		"8 KiB":        {strings.Repeat("a", MaxLen), nil, false},
		"over 8 KiB":   {strings.Repeat("a", MaxLen+1), ErrMalformed, true},
		"100 kB":       {strings.Repeat("a", 100_000), ErrMalformed, true},
		"space":        {"a b", ErrMalformed, true},
		"newline":      {"a\n", ErrMalformed, true},
		"NUL":          {"a\x00", ErrMalformed, true},
		"DEL":          {"a\x7f", ErrMalformed, true},
		"not ASCII":    {"tökén", ErrMalformed, true},
		"invalid utf8": {"\xff", ErrMalformed, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, err := New(c.raw)
			if !errors.Is(err, c.err) || tok.IsZero() != c.zero {
				t.Fatalf("zero %v, error %v", tok.IsZero(), err)
			}
			if !c.zero && tok.Raw() != c.raw {
				t.Fatal("the token is not what was given")
			}
		})
	}
}

func TestTokenNeverPrints(t *testing.T) {
	t.Parallel()
	const canary = "canary-4711"
	tok := mustNew(t, canary)
	found := Found{Token: tok}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", tok, &tok, found)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "token", tok, "found", found)
	}
	if err := json.NewEncoder(&out).Encode(map[Token]any{tok: found}); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, canary) || strings.Contains(s, fmt.Sprintf("%x", canary)) {
		t.Fatalf("printed:\n%s", s)
	}
}

func TestIsJWT(t *testing.T) {
	t.Parallel()
	e := base64.RawURLEncoding.EncodeToString
	long := `{"x5c":"` + strings.Repeat("A", 3000) + `","alg":"RS256"}`
	for name, c := range map[string]struct {
		raw  string
		want bool
	}{
		"JWS":                  {hs256, true},
		"spaces in the header": {sample("{ \"alg\" :\t\"none\" }", "{}", ""), true},
		"long header":          {sample(long, "{}", "AAAA"), true},
		"standard alphabet":    {base64.StdEncoding.EncodeToString([]byte(`{"alg":"HS256","k":"??>>"}`)) + ".e30.AAAA", true},
		"trailing dots":        {hs256 + "..", true},
		"unsecured":            {sample(`{"alg":"none"}`, "{}", ""), true},
		"JWE":                  {e([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..AAAA.AAAA.AAAA", true},
		"JWE without enc":      {e([]byte(`{"alg":"dir"}`)) + ".A.AAAA.AAAA.AAAA", false},
		"two parts":            {sample(`{"alg":"none"}`, "{}", "")[:23], false},
		"four parts":           {hs256 + ".AAAA", false},
		"alg only a value":     {sample(`{"x":"alg"}`, "{}", "AAAA"), false},
		"alg only deeper":      {sample(`{"x":{"alg":1}}`, "{}", "AAAA"), false},
		"alg in an escape":     {sample(`{"x":"\"alg\":"}`, "{}", "AAAA"), false},
		"array":                {sample(`[{"alg":"HS256"}]`, "{}", "AAAA"), false},
		"string":               {sample(`"alg"`, "{}", "AAAA"), false},
		"not JSON":             {sample(`{"alg":"HS256"`, "{}", "AAAA"), false},
		"empty header":         {".e30.AAAA", false},
		"dots":                 {"...", false},
		"version number":       {"1.2.3", false},
		"PASETO":               {"v4.local.AAAA", false},
		"opaque":               {"12|abcdef", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustNew(t, c.raw).IsJWT(); got != c.want {
				t.Fatalf("IsJWT = %v", got)
			}
		})
	}
}

func TestSignedPart(t *testing.T) {
	t.Parallel()
	jwe := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..AAAA.AAAA.AAAA"
	for raw, want := range map[string]string{
		hs256:             hs256[:strings.LastIndexByte(hs256, '.')],
		hs256 + "=":       hs256[:strings.LastIndexByte(hs256, '.')],
		jwe:               jwe,
		"opaque.with.dot": "opaque.with.dot",
		"":                "",
	} {
		if got := mustNew(t, raw).SignedPart(); got != want {
			t.Errorf("SignedPart(%q) = %q", raw, got)
		}
	}
}
