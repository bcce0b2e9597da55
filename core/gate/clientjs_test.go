package gate

import (
	"net/http"
	"testing"

	browser "github.com/wsgate/wsgate/client"
)

func TestClientIsHandedOut(t *testing.T) {
	t.Parallel()
	n := newStack(t).node()
	res, body := n.do(n.request(http.MethodGet, "/.wsgate/client.js", "", "Origin", "https://another.example"))
	if res.StatusCode != http.StatusOK || body != browser.Module || len(body) < 1000 {
		t.Errorf("%d, %d bytes", res.StatusCode, len(body))
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	res, body = n.do(n.request(http.MethodGet, "/.wsgate/client.js", "", "If-None-Match", res.Header.Get("ETag")))
	if res.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("asked again: %d, %d bytes", res.StatusCode, len(body))
	}
}
