package token

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

func TestKey(t *testing.T) {
	t.Parallel()
	a := mustNew(t, "362466325")
	seen := map[Fingerprint]string{}
	for name, f := range map[string]Fingerprint{
		"token":           NewKey("s", "default").Fingerprint(a),
		"other token":     NewKey("s", "default").Fingerprint(mustNew(t, "362466326")),
		"other secret":    NewKey("t", "default").Fingerprint(a),
		"other realm":     NewKey("s", "other").Fingerprint(a),
		"no secret":       NewKey("", "default").Fingerprint(a),
		"moved boundary":  NewKey("sd", "efault").Fingerprint(a),
		"label":           NewKey("s", "default").Label("session", "362466325"),
		"other domain":    NewKey("s", "default").Label("device", "362466325"),
		"domain boundary": NewKey("s", "default").Label("device3", "62466325"),
	} {
		if other, dup := seen[f]; dup || f.IsZero() {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[f] = name
		if len(f.String()) != 43 || len(f.Short()) != 8 || !strings.HasPrefix(f.String(), f.Short()) {
			t.Errorf("%s: %s, %s", name, f, f.Short())
		}
		if back, err := ParseFingerprint(f.String()); err != nil || back != f {
			t.Errorf("%s does not read back: %v", name, err)
		}
	}
	if one, other := NewKey("s", "default"), NewKey("s", "default"); one.Fingerprint(a) != other.Fingerprint(a) {
		t.Error("two nodes disagree")
	}
	if !NewKey("s", "default").Fingerprint(Token{}).IsZero() {
		t.Error("no token has a fingerprint")
	}
	b, err := json.Marshal(NewKey("s", "default").Fingerprint(a))
	if err != nil || len(b) != 45 {
		t.Errorf("JSON %s, %v", b, err)
	}
}

func TestParseFingerprintErrors(t *testing.T) {
	t.Parallel()
	good := NewKey("s", "d").Label("x", "y").String()
	for _, s := range []string{"", "A", good[:42], good + "A", good[:42] + "!", good[:42] + "B", good + "="} {
		if s == good {
			continue
		}
		if f, err := ParseFingerprint(s); err == nil || !f.IsZero() {
			t.Errorf("ParseFingerprint(%q) = %v, %v", s, f, err)
		}
	}
}

func TestKeyConcurrently(t *testing.T) {
	t.Parallel()
	key := NewKey("s", "default")
	want := key.Label("x", "value")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if key.Label("x", "value") != want {
					t.Error("another fingerprint under concurrency")
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkFingerprint(b *testing.B) {
	key := NewKey("s", "default")
	tok := mustNew(b, hs256)
	b.ReportAllocs()
	for b.Loop() {
		key.Fingerprint(tok)
	}
}

func BenchmarkNewJWT(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(hs256); err != nil {
			b.Fatal(err)
		}
	}
}
