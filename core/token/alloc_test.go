//go:build !race

package token

import (
	"net/http"
	"testing"
)

// The race detector's sync.Pool drops at random, so budgets hold without it only.

func TestAllocations(t *testing.T) {
	key := NewKey("s", "default")
	opaqueToken, jwt := mustNew(t, "362466325"), mustNew(t, hs256)
	f, err := NewFinder(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := request("/", http.Header{"Authorization": {"Bearer " + hs256}, "Cookie": {"a=b; c=d"}})
	buf := make([]Found, 0, 4)
	devices := NewDevices(key, true)
	ck := devices.Mint(false)
	known := request("/", http.Header{"Authorization": {"Bearer " + hs256}, "Cookie": {"a=b; " + ck.Name + "=" + ck.Value}})
	if !devices.Has(known, false) || devices.Has(r, false) {
		t.Fatal("device cookies are not told apart from others")
	}
	for name, work := range map[string]func(){
		"fingerprint of an opaque token": func() { key.Fingerprint(opaqueToken) },
		"fingerprint of a JWT":           func() { key.Fingerprint(jwt) },
		"label":                          func() { key.Label("session", "x") },
		"a JWT":                          func() { _, _ = New(hs256) },
		"device cookie":                  func() { devices.Has(known, false) },
		"mark":                           func() { _, _ = f.Mark(known, false) },
		"header only":                    func() { f.HTTP(r, buf) },
	} {
		if n := testing.AllocsPerRun(200, work); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
