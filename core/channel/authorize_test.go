package channel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/token"
)

func TestAuthorizeWhen(t *testing.T) {
	t.Parallel()
	for src, allowed := range map[string]bool{
		"true":                                  true,
		"false":                                 false,
		"user == '1' && device == 'pc'":         true,
		"params.id == '7'":                      true,
		"params.id == '8'":                      false,
		"claims.tenant == 't/1'":                true,
		"claims.nothing == 't/1'":               false,
		"request.path == '/ws'":                 true,
		"params.id in claims.list":              false,
		"request.ip.startsWith('192.0.2.')":     true,
		"int(params.id) < 8 && claims.n > 2000": true,
	} {
		r := compile(t, nil, channel.Config{Pattern: "d:{id}", Authorize: &channel.Authorize{When: src}})
		m, err := r.Match("d:7", ann)
		if err != nil || !m.Guarded() {
			t.Fatalf("%s: %v", src, err)
		}
		if err := r.Authorize(t.Context(), m, ann); (err == nil) != allowed || err != nil && !errors.Is(err, channel.ErrForbidden) {
			t.Errorf("%s: %v", src, err)
		}
	}
	r := compile(t, nil, channel.Config{Pattern: "d:{id}"})
	m, _ := r.Match("d:7", ann)
	if err := r.Authorize(t.Context(), m, ann); err != nil {
		t.Errorf("without authorize: %v", err)
	}
}

// backend answers probes.
type backend struct {
	mu     sync.Mutex
	seen   []string
	calls  atomic.Int32
	answer func(uri string) (channel.Response, error)
}

func (b *backend) probe(_ context.Context, method, uri string, t token.Token) (channel.Response, error) {
	b.calls.Add(1)
	b.mu.Lock()
	b.seen = append(b.seen, method+" "+uri+" "+t.Raw())
	b.mu.Unlock()
	return b.answer(uri)
}

func (b *backend) last() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) == 0 {
		return ""
	}
	return b.seen[len(b.seen)-1]
}

func status(code int, body string) func(string) (channel.Response, error) {
	return func(string) (channel.Response, error) {
		return channel.Response{Status: code, Header: http.Header{"X-Allow": {"yes"}}, Body: []byte(body)}, nil
	}
}

func probing(tb testing.TB, b *backend, uri, allowWhen, allow string) *channel.Rules {
	tb.Helper()
	r, err := channel.Compile(nil, []channel.Config{
		{Pattern: "d:{id}", Authorize: &channel.Authorize{Probe: &channel.Probe{Method: "GET", URI: uri, AllowWhen: allowWhen}}},
	}, "wsgate:", channel.Options{Probe: b.probe, Allow: allow})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func user(tb testing.TB, login byte) channel.User {
	tb.Helper()
	u := ann
	u.Login[0] = login
	var err error
	if u.Token, err = token.New("canary"); err != nil {
		tb.Fatal(err)
	}
	return u
}

func authorize(ctx context.Context, tb testing.TB, r *channel.Rules, command string, u channel.User) error {
	tb.Helper()
	m, err := r.Match(command, u)
	if err != nil {
		tb.Fatal(err)
	}
	return r.Authorize(ctx, m, u)
}

func TestProbeDecides(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status           int
		body             string
		allowWhen, allow string
		want             error
	}{
		"2xx":                          {204, "", "", "", nil},
		"404":                          {404, "", "", "", channel.ErrForbidden},
		"a redirect":                   {302, "", "", "", channel.ErrForbidden},
		"500":                          {500, "", "", "", channel.ErrUnavailable},
		"429":                          {429, "", "", "", channel.ErrUnavailable},
		"408":                          {408, "", "", "", channel.ErrUnavailable},
		"preset says no":               {200, `{"code":401}`, "", "body.code == 200", channel.ErrForbidden},
		"preset says yes":              {200, `{"code":200}`, "", "body.code == 200", nil},
		"preset and html":              {200, `<html>`, "", "body.code == 200", channel.ErrForbidden},
		"rule wins over preset":        {200, `{"code":200}`, "body.ok == true", "body.code == 200", channel.ErrForbidden},
		"rule on headers":              {404, ``, "headers['x-allow'] == 'yes'", "", nil},
		"allow_when may ask for a 500": {500, ``, "status == 500", "", nil},
		"trouble with allow_when":      {503, `{}`, "body.ok == true", "", channel.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &backend{answer: status(tc.status, tc.body)}
			r := probing(t, b, "/device/{id}", tc.allowWhen, tc.allow)
			err := authorize(t.Context(), t, r, "d:7", user(t, 1))
			if !errors.Is(err, tc.want) || tc.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if got := b.last(); got != "GET /device/7 canary" {
				t.Errorf("the backend saw %q", got)
			}
		})
	}
}

func TestProbeURI(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"/d/{id}":                         "/d/Ger%C3%A4t%401",
		"http://h:8/d/{id}?u={user}":      "http://h:8/d/Ger%C3%A4t%401?u=a%2Fb%26c%3D..",
		"https://h/{claims.odd}/{user}":   "https://h/x%3Fy%23z%252F/a%2Fb%26c%3D..",
		"/{user}/{id}":                    "/a%2Fb%26c%3D../Ger%C3%A4t%401",
		"/x?dir={claims.dots}":            "/x?dir=..",
		"/x/a{claims.dot}b":               "/x/a.b",
		"/x/{claims.evil}":                "",
		"/x/{claims.back}":                "",
		"/x/{claims.dots}":                "",
		"/x/{claims.dot}{claims.dot}/y":   "",
		"/x/{claims.dot}":                 "",
		"http://h/{claims.dots}/{id}":     "",
		"/x/{claims.none}":                "",
		"/" + strings.Repeat("{id}", 900): "",
	} {
		b := &backend{answer: status(200, "")}
		r := probing(t, b, uri, "", "")
		u := user(t, 1)
		u.Subject = "a/b&c=.."
		u.Claims = map[string]any{"odd": "x?y#z%2F", "evil": "a/../x", "back": `..\x`, "dots": "..", "dot": "."}
		err := authorize(t.Context(), t, r, "d:Gerät@1", u)
		if want == "" {
			if !errors.Is(err, channel.ErrForbidden) || b.calls.Load() != 0 {
				t.Errorf("%.40s: %v, saw %q", uri, err, b.last())
			}
			continue
		}
		want = "GET " + want + " canary"
		if err != nil || b.last() != want {
			t.Errorf("%s: %v\n got %s\nwant %s", uri, err, b.last(), want)
		}
	}
}

// What was allowed holds for a login that must not be asked about, and nothing else.
func TestProbeOfADormantLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, dormant := &backend{answer: status(200, "")}, true
		r, err := channel.Compile(nil, []channel.Config{{
			Pattern: "d:{id}", Authorize: &channel.Authorize{Probe: &channel.Probe{Method: "GET", URI: "/d/{id}"}},
			Publish: &channel.Publish{},
		}}, "", channel.Options{
			Probe:   b.probe,
			Dormant: func(_ context.Context, u *channel.User) bool { return dormant && u.Login == user(t, 1).Login },
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(command string, login byte) bool {
			return authorize(t.Context(), t, r, command, user(t, login)) == nil
		}
		if !ask("d:7", 1) || !ask("d:7", 2) || b.calls.Load() != 2 {
			t.Fatalf("asked %d times at first", b.calls.Load())
		}
		b.answer = status(403, "")
		_ = ask("d:8", 1)
		time.Sleep(time.Hour)
		if !ask("d:7", 1) || b.calls.Load() != 3 {
			t.Error("a dormant login was asked about")
		}
		if ask("d:8", 1) || ask("d:9", 1) || ask("d:7", 2) || b.calls.Load() != 6 {
			t.Errorf("a refusal, a new command or another login was not asked about: %d", b.calls.Load())
		}
		m, err := r.Match("d:7", user(t, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.AuthorizePublish(t.Context(), m, user(t, 1)); err == nil || b.calls.Load() != 7 {
			t.Error("publishing is not asked about")
		}
		dormant = false
		if ask("d:7", 1) {
			t.Error("allowed after a refusal")
		}
	})
}

func TestProbeAnswersAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: status(200, "")}
		r := probing(t, b, "/d/{id}", "", "")
		calls := func(want int32, what string) {
			t.Helper()
			if got := b.calls.Load(); got != want {
				t.Errorf("%s: %d calls, want %d", what, got, want)
			}
		}
		ask := func(command string, u channel.User) error { return authorize(t.Context(), t, r, command, u) }
		_, _ = ask("d:7", user(t, 1)), ask("d:7", user(t, 1))
		calls(1, "twice the same")
		_ = ask("d:8", user(t, 1))
		calls(2, "another command")
		_ = ask("d:7", user(t, 2))
		calls(3, "another login")
		time.Sleep(29 * time.Second)
		_ = ask("d:7", user(t, 1))
		calls(3, "within 30 s")
		time.Sleep(2 * time.Second)
		b.answer = status(403, "")
		if err := ask("d:7", user(t, 1)); !errors.Is(err, channel.ErrForbidden) {
			t.Errorf("after 30 s: %v", err)
		}
		if err := ask("d:7", user(t, 1)); !errors.Is(err, channel.ErrForbidden) {
			t.Errorf("a kept refusal: %v", err)
		}
		calls(4, "a refusal is kept too")

		b.answer = func(string) (channel.Response, error) { return channel.Response{}, errors.New("no route") }
		for i := range int32(3) {
			if err := ask("d:9", user(t, 1)); !errors.Is(err, channel.ErrUnavailable) || !strings.Contains(err.Error(), "no route") {
				t.Errorf("an error: %v", err)
			}
			calls(5+i, "an error is not kept")
		}

		b.answer = status(200, "")
		_, _ = ask("d:1", ann), ask("d:1", ann)
		calls(9, "a login without identity shares nothing")
	})
}

func TestProbesAtOnceAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &backend{answer: func(string) (channel.Response, error) {
			<-release
			return channel.Response{Status: 200}, nil
		}}
		r := probing(t, b, "/d/{id}", "", "")
		impatient, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 10)
		go func() { errs <- authorize(impatient, t, r, "d:7", user(t, 1)) }()
		synctest.Wait()
		cancel()
		if err := <-errs; !errors.Is(err, channel.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("one who left: %v", err)
		}
		for range 10 {
			go func() { errs <- authorize(t.Context(), t, r, "d:7", user(t, 1)) }()
		}
		synctest.Wait()
		close(release)
		for range 10 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if n := b.calls.Load(); n != 1 {
			t.Errorf("%d probes", n)
		}
	})
}

func TestKeptAnswersAreBounded(t *testing.T) {
	t.Parallel()
	b := &backend{answer: status(200, "")}
	r := probing(t, b, "/d/{id}", "", "")
	u := user(t, 1)
	for i := range 20_000 {
		if err := authorize(t.Context(), t, r, fmt.Sprintf("d:%d", i), u); err != nil {
			t.Fatal(err)
		}
	}
	before := b.calls.Load()
	_ = authorize(t.Context(), t, r, "d:19999", u)
	_ = authorize(t.Context(), t, r, "d:0", u)
	if got := b.calls.Load() - before; got != 1 {
		t.Errorf("%d new probes, want one for the oldest and none for the newest", got)
	}
}

func TestProbeWithoutWayToAsk(t *testing.T) {
	t.Parallel()
	r := compile(t, nil, channel.Config{Pattern: "d:{id}", Authorize: &channel.Authorize{Probe: &channel.Probe{Method: "GET", URI: "/d/{id}"}}})
	if err := authorize(t.Context(), t, r, "d:7", user(t, 1)); !errors.Is(err, channel.ErrUnavailable) {
		t.Fatal(err)
	}
}
