package ticket

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/redisconn"
	"github.com/wsgate/wsgate/core/token"
)

func asIs(s string) (string, error) { return s, nil }

func open(t *testing.T, s *proctest.RedisServer) redis.UniversalClient {
	t.Helper()
	c, err := redisconn.Open(redisconn.Config{URLs: []string{s.URL()}}, asIs, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // a test
	return c
}

func mustToken(t *testing.T, raw string) token.Token {
	t.Helper()
	tok, err := token.New(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func issue(t *testing.T, ts *Tickets, tok token.Token) string {
	t.Helper()
	ticket, err := ts.Issue(t.Context(), tok)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func TestTickets(t *testing.T) {
	t.Parallel()
	server := proctest.Redis(t)
	rdb, key := open(t, server), token.NewKey("secret", "realm")
	ts, other := New(rdb, key, "p:"), New(rdb, key, "p:") // two nodes
	tok := mustToken(t, "canary-of-a-token")

	ticket := issue(t, ts, tok)
	names := strings.Fields(server.CLI("KEYS", "*"))
	if len(names) != 1 || !strings.HasPrefix(names[0], "p:") {
		t.Fatalf("keys %q", names)
	}
	value := server.CLI("GET", names[0])
	for _, s := range []string{ticket, tok.Raw(), "canary"} {
		if strings.Contains(names[0]+value, s) {
			t.Errorf("Redis shows %q", s)
		}
	}
	if ttl := rdb.PTTL(t.Context(), names[0]).Val(); ttl <= 0 || ttl > TTL {
		t.Errorf("lives %v, want at most %v", ttl, TTL)
	}
	if got, err := other.Redeem(t.Context(), ticket); err != nil || got != tok {
		t.Fatalf("%v, %v", got.Raw(), err)
	}
	if _, err := ts.Redeem(t.Context(), ticket); !errors.Is(err, ErrUnknown) {
		t.Errorf("twice: %v", err)
	}
	if names := server.CLI("KEYS", "*"); strings.TrimSpace(names) != "" {
		t.Errorf("left over: %s", names)
	}

	t.Run("expired", func(t *testing.T) {
		ticket := issue(t, ts, tok)
		rdb.ExpireAt(t.Context(), ts.name(ticket), time.Unix(1, 0))
		if _, err := ts.Redeem(t.Context(), ticket); !errors.Is(err, ErrUnknown) {
			t.Errorf("%v", err)
		}
	})
	t.Run("another secret", func(t *testing.T) {
		ticket := issue(t, ts, tok)
		if _, err := New(rdb, token.NewKey("", "realm"), "p:").Redeem(t.Context(), ticket); !errors.Is(err, ErrUnknown) {
			t.Errorf("%v", err)
		}
		if _, err := ts.Redeem(t.Context(), ticket); err != nil {
			t.Errorf("a stranger's try used it up: %v", err)
		}
	})
	t.Run("another's value", func(t *testing.T) {
		a, b := issue(t, ts, tok), issue(t, ts, mustToken(t, "another"))
		server.CLI("RENAME", ts.name(b), ts.name(a))
		if got, err := ts.Redeem(t.Context(), a); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q, %v", got.Raw(), err)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		ticket := issue(t, ts, tok)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if got, err := ts.Redeem(t.Context(), ticket); err == nil && got == tok {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of them got the token", won.Load())
		}
	})
}

// A made-up ticket costs no look into Redis; a real one can't be judged without it.
func TestRedisDown(t *testing.T) {
	t.Parallel()
	server := proctest.Redis(t)
	ts := New(open(t, server), token.NewKey("secret", "realm"), "p:")
	ticket := issue(t, ts, mustToken(t, "abc"))
	server.Kill()
	for name, made := range map[string]string{
		"empty": "", "short": "abc", "unsigned": strings.Repeat("A", 43), "long": ticket + "A",
		"changed": flip(ticket, 0), "changed at its end": flip(ticket, len(ticket)-1), "no base64": strings.Repeat("!", 43),
	} {
		if _, err := ts.Redeem(t.Context(), made); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ts.Redeem(t.Context(), ticket); err == nil || errors.Is(err, ErrUnknown) {
		t.Errorf("a real one: %v", err)
	}
	if _, err := ts.Issue(t.Context(), mustToken(t, "abc")); err == nil {
		t.Error("issued without Redis")
	}
}

// flip changes one character.
func flip(s string, i int) string {
	c := byte('A')
	if s[i] == c {
		c = 'B'
	}
	return s[:i] + string(c) + s[i+1:]
}
