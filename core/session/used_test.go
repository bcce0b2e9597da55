package session

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"
)

// TestIdle: what counts is the last request on any node, and nothing else.
func TestIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	l := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	idle := func(n *node, ago time.Duration) time.Duration {
		t.Helper()
		d, err := n.Idle(t.Context(), []Use{{Account: "bob", Identity: l.Identity, Ago: ago}})
		if err != nil {
			t.Fatal(err)
		}
		return d[0]
	}
	near := func(got, want time.Duration) {
		t.Helper()
		if got < want || got > want+10*time.Second {
			t.Errorf("idle for %v, want %v", got, want)
		}
	}
	near(idle(b, -1), 0) // since it was admitted
	// An admission of an hour ago.
	hash, err := a.keys.hash("bob")
	if err != nil {
		t.Fatal(err)
	}
	key := a.keys.account(hash)[1]
	raw := w.rdb.HGet(t.Context(), key, l.Identity.String()).Val()
	old := setField(t, raw, "a", time.Now().Add(-time.Hour).UnixMilli())
	if err := w.rdb.HSet(t.Context(), key, l.Identity.String(), old).Err(); err != nil {
		t.Fatal(err)
	}
	near(idle(a, -1), time.Hour)
	a.touch(t, l)
	if _, err := a.Claim(t.Context(), Claim{Login: l}); err != nil {
		t.Fatal(err)
	}
	near(idle(a, -1), time.Hour) // neither a check nor a socket's claim is a request
	near(idle(a, 30*time.Minute), 30*time.Minute)
	near(idle(b, -1), 30*time.Minute)
	near(idle(b, 40*time.Minute), 30*time.Minute) // seen before
	near(idle(b, 0), 0)
	near(idle(a, -1), 0)

	if err := a.Release(t.Context(), a.touch(t, l)); err != nil {
		t.Fatal(err)
	}
	if d := idle(b, 0); d >= 0 {
		t.Errorf("a login that ended is idle for %v", d)
	}
	if d, err := a.Idle(t.Context(), nil); err != nil || len(d) != 0 {
		t.Errorf("%v, %v of nobody", d, err)
	}
}

// setField changes one text field of an entry.
func setField(t *testing.T, raw, name string, v int64) string {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(raw), &fields); err != nil {
		t.Fatal(err)
	}
	fields[name] = strconv.FormatInt(v, 10)
	out, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
