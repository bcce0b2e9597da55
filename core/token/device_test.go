package token

import (
	"net/http"
	"strings"
	"testing"
)

func TestDeviceCookie(t *testing.T) {
	t.Parallel()
	d := NewDevices(NewKey("s", "default"), true)
	for _, tls := range []bool{true, false} {
		c := d.Mint(tls)
		want := "wsgate-did"
		if tls {
			want = "__Host-wsgate-did"
		}
		if c.Name != want || c.Secure != tls || c.Path != "/" || c.Domain != "" || !c.HttpOnly ||
			c.SameSite != http.SameSiteLaxMode || c.MaxAge != 365*24*3600 {
			t.Errorf("cookie %+v", c)
		}
		if err := c.Valid(); err != nil {
			t.Error(err)
		}
		if d.Mint(tls).Value == c.Value {
			t.Error("two browsers get one cookie")
		}
	}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	signed, unsigned := NewDevices(NewKey("s", "default"), true), NewDevices(NewKey("", "default"), false)
	a, b := signed.Mint(false).Value, signed.Mint(false).Value
	tampered := "A" + a[1:]
	if a[0] == 'A' {
		tampered = "B" + a[1:]
	}
	const name = "wsgate-did="
	browser := func(d *Devices, jar, ua, ip string) string {
		return d.Browser(request("/", http.Header{"Cookie": {jar}, "User-Agent": {ua}}), false, ip)
	}
	want := browser(signed, name+a, "x", "1.1.1.1")
	if want == "" || strings.Contains(want, a[:22]) {
		t.Fatalf("browser key %q", want)
	}
	for jar, same := range map[string]bool{
		name + a:                                  true,
		"x=y; " + name + a:                        true,
		name + `"` + a + `"`:                      true,
		name + "junk; " + name + a:                true, // the first valid one counts
		name + a + "; " + name + b:                true,
		name + b + "; " + name + a:                false,
		name + b:                                  false,
		name + tampered:                           false,
		name + a[:len(a)-1]:                       false,
		name + strings.SplitN(a, ".", 2)[0] + ".": false,
		"__Host-" + name + a:                      false,
		"":                                        false,
		name + unsigned.Mint(false).Value:         false,
		"wsgate-did2=" + a + "; " + "wsgate=" + "x": false,
	} {
		if got := browser(signed, jar, "y", "2.2.2.2"); (got == want) != same {
			t.Errorf("jar %q: same browser %v", jar, !same)
		}
	}
	if browser(signed, "", "x", "1.1.1.1") != "" || browser(signed, name+tampered, "x", "1.1.1.1") != "" {
		t.Error("an absent or invalid cookie yields a browser")
	}

	u := name + unsigned.Mint(false).Value
	mine := browser(unsigned, u, "x", "1.1.1.1")
	if mine == "" || mine != browser(unsigned, u, "x", "1.1.1.1") {
		t.Error("one browser is two")
	}
	if mine == browser(unsigned, u, "y", "1.1.1.1") || mine == browser(unsigned, u, "x", "1.1.1.2") {
		t.Error("without a secret a copied cookie suffices")
	}
}
