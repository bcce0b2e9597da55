package proctest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

func TestCaddyRunsReloadsAndStops(t *testing.T) {
	t.Parallel()
	c := proctest.Caddy(t, "http://{$ADDR} {\n\trespond {$WORD}\n}\n", proctest.Env("WORD=one"))
	if _, body, err := get(t, http.MethodGet, c.URL(), ""); err != nil || body != "one" {
		t.Fatalf("got %q %v", body, err)
	}
	if err := c.Reload("{\n\tdebug\n}\nhttp://{$ADDR} {\n\trespond two\n}\n"); err != nil {
		t.Fatal(err)
	}
	if _, body, err := get(t, http.MethodGet, c.URL(), ""); err != nil || body != "two" {
		t.Fatalf("after the reload: %q %v", body, err)
	}
	if err := c.Reload("http://{$ADDR} {\n\tnonsense\n}\n"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Fatalf("a bad Caddyfile: %v", err)
	}
	c.AwaitLog("unrecognized directive", 5*time.Second)
	c.Stop()
	if _, _, err := get(t, http.MethodGet, c.URL(), ""); err == nil {
		t.Fatal("it still answers")
	}
	if !strings.Contains(c.Logs(), "shutdown complete") {
		t.Errorf("no clean end:\n%s", c.Logs())
	}
}
