package session

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/wsgate/wsgate/core/token"
)

// What is kept for each socket is what a login is checked and put back by.
func TestKeptLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	l := w.login("bob", "one")
	l.Name, l.Dept, l.Device, l.Browser = "Bob", "sales", "pc", "a browser"
	l.LoginTime, l.Expires = time.UnixMilli(1_700_000_000_000), time.Now().Add(time.Hour).Truncate(time.Millisecond)
	l = n.mustLive(t, Claim{Login: l})
	k := n.Keep(l)
	if k.login != nil {
		t.Fatal("a login that is remembered is kept twice")
	}
	if size := unsafe.Sizeof(*k); size > 80 {
		t.Errorf("%d bytes, want at most 80: there is one for each socket", size)
	}
	got := k.Login()
	if k.SID() != l.SID || k.Token() != l.Token || got.Account != l.Account || got.Identity != l.Identity ||
		got.SID != l.SID || got.Epoch != l.Epoch || got.Seq != l.Seq || got.Token != l.Token || got.Browser != l.Browser {
		t.Errorf("kept as %+v, was %+v", got, l)
	}
	full := got.whole()
	if d := full.Expires.Sub(l.Expires).Abs(); d > time.Minute { // by Redis' clock
		t.Errorf("expires %v off", d)
	}
	full.Expires, full.raw = l.Expires, ""
	if full != l {
		t.Errorf("read from its entry as %+v, was %+v", full, l)
	}
}

// What this node has forgotten for others' sake, a socket's login is put back by all
// the same, as it was.
func TestKeptLoginOutlastsTheCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	l := n.mustLive(t, Claim{Login: w.login("bob", "one")})
	n.hub.attach(l)
	before := n.verdicts.remembered(l.Identity).raw
	for i := range maxAccounts {
		id := w.key.Label("other", fmt.Sprint(i))
		n.verdicts.learn(fmt.Sprint("account ", i), &view{Status: Live, Account: "x", Identity: id, SID: "s"}, token.Fingerprint{})
	}
	if n.verdicts.remembered(l.Identity) != nil {
		t.Fatal("still in the cache")
	}
	if _, ok := n.verdicts.Get(l.Token); ok {
		t.Error("its token still leads to it")
	}
	w.flush(t)
	n.pass(t)
	if !n.hub.has(l.Identity) {
		t.Fatal("its socket was closed")
	}
	v := n.verdicts.remembered(l.Identity)
	if v == nil || v.SID != l.SID || v.Seq != l.Seq {
		t.Fatalf("put back as %+v, was %+v", v, l)
	}
	// But for when it was seen.
	if a, b := (Login{raw: before}).whole(), (Login{raw: v.raw}).whole(); a.IP != b.IP || a.UserAgent != b.UserAgent || a.IP == "" {
		t.Errorf("put back as %s, was %s", v.raw, before)
	}
}

// A login that dies, or that was never admitted, is still itself.
func TestKeptLoginOfTheDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	l := n.mustLive(t, Claim{Login: w.login("bob", "one")})
	k := n.Keep(l)
	mustRevoke(t, n, "bob", All())
	again := l
	again.SID = ""
	reborn := n.mustLive(t, observed(again))
	if got := k.Login(); k.SID() != l.SID || got.SID != l.SID || got.Account != "bob" || got.Identity != l.Identity || got.Seq != 0 || got.raw != "" {
		t.Errorf("after another life %+v; it was %+v, that is %+v", got, l, reborn)
	}
	unclaimed := w.login("eve", "one")
	if got := n.Keep(unclaimed).Login(); got != unclaimed {
		t.Errorf("unclaimed: %+v", got)
	}
	if got := (*Registry)(nil).Keep(unclaimed).Login(); got != unclaimed {
		t.Errorf("without a registry: %+v", got)
	}
}
