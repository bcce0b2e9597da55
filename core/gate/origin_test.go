package gate

import (
	"crypto/tls"
	"net/http"
	"testing"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		allowed []string
		host    string
		tls     bool
		origin  []string
		want    bool
	}{
		{name: "absent", host: "a.example", want: true},
		{name: "same host", host: "a.example", origin: []string{"http://a.example"}, want: true},
		{name: "same host and port", host: "a.example:8080", origin: []string{"http://a.example:8080"}, want: true},
		{name: "same host in other case", host: "A.example", origin: []string{"http://a.EXAMPLE"}, want: true},
		{name: "other port", host: "a.example:8080", origin: []string{"http://a.example:8081"}},
		{name: "no port is not every port", host: "a.example:8080", origin: []string{"http://a.example"}},
		{name: "default port written out", host: "a.example", origin: []string{"http://a.example:80"}, want: true},
		{name: "https page behind a TLS balancer", host: "a.example", origin: []string{"https://a.example"}, want: true},
		{name: "http page on a TLS site", host: "a.example", tls: true, origin: []string{"http://a.example"}},
		{name: "https page on a TLS site", host: "a.example", tls: true, origin: []string{"https://a.example"}, want: true},
		{name: "other host", host: "a.example", origin: []string{"http://b.example"}},
		{name: "suffix", host: "a.example", origin: []string{"http://xa.example"}},
		{name: "null", host: "a.example", origin: []string{"null"}},
		{name: "empty", host: "a.example", origin: []string{""}},
		{name: "file", host: "a.example", origin: []string{"file://"}},
		{name: "extension", host: "a.example", origin: []string{"chrome-extension://a.example"}},
		{name: "two", host: "a.example", origin: []string{"http://a.example", "http://a.example"}},
		{name: "listed", allowed: []string{"https://app.example"}, host: "api.example", origin: []string{"https://app.example"}, want: true},
		{name: "listed with default port", allowed: []string{"https://app.example:443"}, host: "api.example", origin: []string{"https://app.example"}, want: true},
		{name: "a list replaces the same host", allowed: []string{"https://app.example"}, host: "api.example", origin: []string{"https://api.example"}},
		{name: "listed by another scheme", allowed: []string{"https://app.example"}, host: "api.example", origin: []string{"http://app.example"}},
		{name: "null is never listed", allowed: []string{"https://app.example"}, host: "api.example", origin: []string{"null"}},
		{name: "IPv6", host: "[::1]:8080", origin: []string{"http://[::1]:8080"}, want: true},
		{name: "IPv6 default port", host: "[::1]", origin: []string{"http://[::1]"}, want: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o, err := newOrigins(c.allowed)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{Host: c.host, Header: http.Header{}}
			if c.origin != nil {
				r.Header["Origin"] = c.origin
			}
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := o.ok(r); got != c.want {
				t.Errorf("ok = %v, want %v", got, c.want)
			}
		})
	}
}

func TestOriginsRefuseWhatIsNoOrigin(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"app.example", "https://app.example/path", "ftp://app.example", "null", "*", "https://u@app.example", "https://", "https://app.example?x"} {
		if _, err := newOrigins([]string{s}); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}
