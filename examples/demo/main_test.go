package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
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

	if body := get(t, url+"/", ""); !strings.Contains(strings.ToLower(body), "<!doctype html") {
		t.Errorf("the page is %.80q", body)
	}
	if body := get(t, url+"/getInfo", ""); !strings.Contains(body, `"code":401`) {
		t.Errorf("without a token the backend answers %.80q", body)
	}
	if body := get(t, url+"/.wsgate/healthz", ""); body == "" {
		t.Error("healthz is empty")
	}
	t.Run("live", func(t *testing.T) { live(t, url) })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// live is the demonstration's own promise, on its in-process Redis: data
// arrive, and a newer login displaces the older one.
func live(t *testing.T, url string) {
	first := login(t, url)
	if body := get(t, url+"/getInfo", first); !strings.Contains(body, `"code":200`) {
		t.Fatalf("a fresh login gets %.80q", body)
	}
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/ws?token="+first, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var list struct{ Rows []struct{ ID int64 } }
	if err := json.Unmarshal([]byte(get(t, url+"/device/list", first)), &list); err != nil || len(list.Rows) == 0 {
		t.Fatalf("no devices: %v", err)
	}
	for _, command := range []string{"msg:1", fmt.Sprintf("data_imei:%d", list.Rows[0].ID)} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(command)); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, data, err := conn.ReadMessage(); err != nil || !json.Valid(data) {
		t.Fatalf("no device data: %q, %v", data, err)
	}

	second := login(t, url)
	if body := get(t, url+"/getInfo", second); !strings.Contains(body, `"code":200`) {
		t.Fatalf("the newer login gets %.80q", body)
	}
	if body := get(t, url+"/getInfo", first); !strings.Contains(body, `"code":401`) {
		t.Errorf("the displaced login gets %.80q", body)
	}
	told := false
	for err = nil; err == nil; {
		var data []byte
		_, data, err = conn.ReadMessage()
		told = told || string(data) == "loginOut"
	}
	if !told || !websocket.IsCloseError(err, 4501) {
		t.Errorf("told: %v, closed with %v", told, err)
	}
}

func login(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/login", strings.NewReader(`{"username":"admin","password":"admin123"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return answer.Token
}

func get(t *testing.T, url, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
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
