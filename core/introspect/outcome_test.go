package introspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/conf"
)

func TestThreeValues(t *testing.T) {
	t.Parallel()
	cfg := Config{Subject: "body.id", MaxBody: 1 << 20}
	ruoyi := Config{Preset: "ruoyi"}
	for name, c := range map[string]struct {
		cfg     Config
		handler http.HandlerFunc
		want    Outcome
		err     error
	}{
		"active":                {cfg, says(200, `{"id":1}`), Active, nil},
		"inactive":              {cfg, says(401, `{}`), Inactive, nil},
		"inactive without JSON": {cfg, says(401, `<html>`), Inactive, nil},
		"neither":               {cfg, says(404, `{}`), Error, ErrAnswer},
		"forbidden":             {cfg, says(403, `{}`), Error, ErrAnswer},
		"500":                   {cfg, says(500, `{}`), Error, ErrAnswer},
		"503 though active":     {Config{Subject: "body.id", ActiveWhen: "true"}, says(503, `{"id":1}`), Error, ErrAnswer},
		"429":                   {cfg, says(429, `{}`), Error, ErrAnswer},
		"408":                   {cfg, says(408, `{}`), Error, ErrAnswer},
		"HTML":                  {cfg, says(200, `<html>please log in</html>`), Error, ErrAnswer},
		"empty":                 {cfg, says(200, ``), Error, ErrAnswer},
		"cut JSON":              {cfg, says(200, `{"id":1`), Error, ErrAnswer},
		"2 MiB":                 {cfg, says(200, `{"id":1,"x":"`+strings.Repeat("x", 2<<20)+`"}`), Error, ErrAnswer},
		"1 MiB is enough":       {cfg, says(200, `{"id":1,"x":"`+strings.Repeat("x", 1<<20-15)+`"}`), Active, nil},
		"no subject":            {cfg, says(200, `{"user":1}`), Error, ErrConfig},
		"null subject":          {cfg, says(200, `{"id":null}`), Error, ErrConfig},
		"empty subject":         {cfg, says(200, `{"id":""}`), Error, ErrConfig},
		"subject of 1 KiB":      {cfg, says(200, `{"id":"`+strings.Repeat("x", MaxName)+`"}`), Active, nil},
		"subject over 1 KiB":    {cfg, says(200, `{"id":"`+strings.Repeat("x", MaxName+1)+`"}`), Error, ErrConfig},
		"both":                  {Config{Subject: "body.id", InactiveWhen: "status == 200"}, says(200, `{"id":1}`), Error, ErrConfig},
		"no content":            {cfg, says(204, ``), Error, ErrAnswer},

		"ruoyi active":       {ruoyi, says(200, `{"code":200,"user":{"userId":1,"userName":"admin"}}`), Active, nil},
		"ruoyi inactive":     {ruoyi, says(200, `{"code":401,"msg":"x"}`), Inactive, nil},
		"ruoyi server error": {ruoyi, says(200, `{"code":500,"msg":"x"}`), Error, ErrAnswer},
		"ruoyi HTML":         {ruoyi, says(200, `<!DOCTYPE html>`), Error, ErrAnswer},
		"ruoyi real 401":     {ruoyi, says(401, `{"code":401}`), Error, ErrAnswer},

		"rfc7662 active":   {Config{Preset: "rfc7662"}, says(200, `{"active":true,"sub":"u"}`), Active, nil},
		"rfc7662 inactive": {Config{Preset: "rfc7662"}, says(200, `{"active":false}`), Inactive, nil},
		"rfc7662 missing":  {Config{Preset: "rfc7662"}, says(200, `{}`), Error, ErrAnswer},
		"rfc7662 401":      {Config{Preset: "rfc7662"}, says(401, `{}`), Error, ErrAnswer},
		"rfc7662 our credentials": {
			Config{Preset: "rfc7662", Auth: &Auth{Type: "basic", ID: "gate", Secret: "x"}},
			says(401, `{"error":"invalid_client"}`), Error, ErrCredentials,
		},
		"sanctum active":    {Config{Preset: "sanctum"}, says(200, `{"id":7}`), Active, nil},
		"sanctum inactive":  {Config{Preset: "sanctum"}, says(401, `{"message":"Unauthenticated."}`), Inactive, nil},
		"userinfo active":   {Config{Preset: "oidc-userinfo"}, says(200, `{"sub":"u"}`), Active, nil},
		"userinfo inactive": {Config{Preset: "oidc-userinfo"}, says(401, ``), Inactive, nil},
		"userinfo 429":      {Config{Preset: "oidc-userinfo"}, says(429, ``), Error, ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := serve(t, c.handler)
			c.cfg.URI = b.URL
			client := newClient(t, c.cfg, nil)
			a := client.Identify(t.Context(), query(t, "abc"))
			if a.Outcome != c.want || !errors.Is(a.Err, c.err) || (a.Identity != nil) != (c.want == Active) || (a.Err != nil) != (c.want == Error) {
				t.Fatalf("%v, error %v", a.Outcome, a.Err)
			}
			if _, ok := client.Cached(query(t, "abc")); ok != (c.want != Error) {
				t.Fatalf("cached: %v", ok)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := serve(t, says(200, `{"id":1}`))
	for _, status := range []int{301, 302, 303, 307, 308, 304} {
		b := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(status)
		})
		c := newClient(t, Config{URI: b.URL, Subject: "body.id", ActiveWhen: "true"}, nil)
		if a := c.Identify(t.Context(), query(t, "abc")); a.Outcome != Error || !errors.Is(a.Err, ErrAnswer) {
			t.Errorf("status %d: %v, %v", status, a.Outcome, a.Err)
		}
	}
	if n := other.calls.Load(); n != 0 {
		t.Errorf("followed %d times", n)
	}
}

// A backend that hangs, before its answer or within its body, costs no more than
// the timeout.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{"before the answer": "", "in the body": `{"id":`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			b := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if begin != "" {
					_, _ = io.WriteString(w, begin)
					w.(http.Flusher).Flush()
				}
				select {
				case <-r.Context().Done():
				case <-release:
				}
			})
			defer close(release)
			c := newClient(t, Config{URI: b.URL, Subject: "body.id", Timeout: conf.Duration(50 * time.Millisecond)}, nil)
			start := time.Now()
			a := c.Identify(t.Context(), query(t, "abc"))
			if a.Outcome != Error || !errors.Is(a.Err, ErrUnreachable) || !errors.Is(a.Err, context.DeadlineExceeded) {
				t.Fatalf("%v, %v", a.Outcome, a.Err)
			}
			if d := time.Since(start); d > 4*time.Second {
				t.Fatalf("took %v", d)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := newClient(t, Config{URI: "http://" + addr, Subject: "body.id"}, nil)
	if a := c.Identify(t.Context(), query(t, "abc")); a.Outcome != Error || !errors.Is(a.Err, ErrUnreachable) {
		t.Fatalf("%v, %v", a.Outcome, a.Err)
	}
}

// TestNothingSecretInErrors lets every kind of failure happen, with an answer
// that repeats the token, and looks for it in errors and logs.
func TestNothingSecretInErrors(t *testing.T) {
	t.Parallel()
	const canary = "canary4711"
	raw := func(bytes string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, bytes)
			conn.Close()
		}
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for name, h := range map[string]http.HandlerFunc{
		"no HTTP":       raw(canary + "\r\n\r\n"),
		"bad header":    raw("HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n"),
		"bad length":    raw("HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n"),
		"bad chunk":     raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n"),
		"bad encoding":  raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n" + canary),
		"closed":        raw(""),
		"500":           says(500, canary),
		"HTML":          says(200, canary),
		"wrong subject": says(200, `{"id":["`+canary+`"]}`),
		"redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/"+canary)
			w.WriteHeader(http.StatusFound)
		},
	} {
		b := serve(t, h)
		c := newClient(t, Config{URI: b.URL + "/x?secret=" + canary, Subject: "body.id", Send: []Param{{In: "query", Name: "token", Value: "{token}"}}}, log)
		a := c.Identify(t.Context(), query(t, canary))
		if a.Outcome != Error || strings.Contains(a.Err.Error(), canary) {
			t.Errorf("%s: %v, %v", name, a.Outcome, a.Err)
		}
		if _, err := c.Probe(t.Context(), "GET", "/"+canary, tok(t, canary)); err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: probe: %v", name, err)
		}
		b.Close()
		if a := c.Identify(t.Context(), query(t, canary)); strings.Contains(a.Err.Error(), canary) {
			t.Errorf("%s, closed: %v", name, a.Err)
		}
	}
	if s := logged.String(); strings.Contains(s, canary) || !strings.Contains(s, key.Fingerprint(tok(t, canary)).Short()) {
		t.Errorf("logged:\n%s", s)
	}
	id := &Identity{Subject: canary, Session: canary, Claims: canary}
	if s := fmt.Sprintf("%v %+v %#v %s %d", id, Answer{Identity: id}, id, id, id); strings.Contains(s, canary) {
		t.Errorf("printed %s", s)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	b := serve(t, says(200, `{"id":9007199254740993,"name":"bob","names":["a",7,"",null,{}],"s":"sess","exp":4102444800,"at":"2026-01-02T03:04:05Z","kind":"Tablet","x":{"role":"admin"}}`))
	for name, c := range map[string]struct {
		cfg  Config
		want Identity
	}{
		"all": {
			Config{Subject: "body.id", Aliases: "body.names", SessionID: "body.s", Expires: "body.exp", LoginTime: "body.at", Device: "body.kind", Claims: "body.x"},
			Identity{
				Subject: "9007199254740993", Aliases: []string{"a", "7"}, Session: "sess", Device: "tablet",
				Expires: time.Unix(4102444800, 0).UTC(), LoginTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
				Claims: map[string]any{"role": "admin"},
			},
		},
		"none yields": {
			Config{Subject: "body.name", Aliases: "body.no", SessionID: "body.no", Expires: "body.no", LoginTime: "body.no", Device: "body.no", Claims: "body.no"},
			Identity{Subject: "bob", Device: "other"},
		},
		"one alias": {
			Config{Subject: "body.name", Aliases: "body.id", Claims: "{'n': body.name}"},
			Identity{Subject: "bob", Aliases: []string{"9007199254740993"}, Device: "other", Claims: map[string]any{"n": "bob"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.cfg.URI = b.URL
			a := newClient(t, c.cfg, nil).Identify(t.Context(), query(t, "abc"))
			if a.Outcome != Active || !reflect.DeepEqual(*a.Identity, c.want) {
				t.Fatalf("%v, %v: %s", a.Outcome, a.Err, dump(a.Identity))
			}
		})
	}
}

func dump(id *Identity) string {
	if id == nil {
		return "none"
	}
	type bare Identity // without Format
	return fmt.Sprintf("%+v", (*bare)(id))
}
