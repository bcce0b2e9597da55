package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestRun starts the whole demonstration and ends it. It is the package's only
// test that runs Caddy, which there is one of in a process.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(),
		// Caddy's own housekeeping ends some seconds later.
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"))
	defer http.DefaultClient.CloseIdleConnections()

	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, in, options{listen: "127.0.0.1:0", caddyfile: "../../Caddyfile.example"})
		_ = in.CloseWithError(err)
		ended <- err
	}()

	lines := bufio.NewScanner(out)
	var url string
	for url == "" && lines.Scan() {
		url, _ = strings.CutPrefix(lines.Text(), "ready ")
		if url == lines.Text() {
			url = ""
		}
	}
	if url == "" {
		t.Fatalf("no ready line: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()

	if body := get(t, url+"/"); !strings.Contains(strings.ToLower(body), "<!doctype html") {
		t.Errorf("the page is %.80q", body)
	}
	if body := get(t, url+"/getInfo"); !strings.Contains(body, `"code":401`) {
		t.Errorf("without a token the backend answers %.80q", body)
	}
	if body := get(t, url+"/.wsgate/healthz"); body == "" {
		t.Error("healthz is empty")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestForDemo(t *testing.T) {
	t.Parallel()
	const config = `{
		"logging":{"logs":{"default":{},"log0":{}}},
		"apps":{"http":{"servers":{"srv0":{"listen":[":1"],"routes":[{"handle":[
			{"handler":"subroute","routes":[{"handle":[{"handler":"wsgate"}]}]}]}]}}}}
	}`
	got, err := forDemo([]byte(config), "127.0.0.1:1", false)
	if err != nil {
		t.Fatal(err)
	}
	var c any
	if err := json.Unmarshal(got, &c); err != nil {
		t.Fatal(err)
	}
	want := `{"admin":{"config":{"persist":false},"disabled":true},` +
		`"apps":{"http":{"servers":{"srv0":{"listen":["127.0.0.1:1"],"routes":[{"handle":[` +
		`{"handler":"subroute","routes":[{"handle":[{"drain":"0s","handler":"wsgate"}]}]}]}]}}}},` +
		`"logging":{"logs":{"default":{"level":"ERROR"},"log0":{"level":"ERROR","writer":{"output":"discard"}}}}}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
