package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

// By itself, without a gateway, the application works: page, login, data. Only
// its sockets find nobody.
func TestRunsByItself(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, in := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- run(ctx, in, "127.0.0.1:0", redis.URL(), 10*time.Millisecond) }()

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSpace(strings.TrimPrefix(line, "ready "))

	if status, text := call(t, ctx, "GET", base+"/", "", ""); status != 200 || !strings.Contains(text, "<!doctype html>") {
		t.Errorf("the page: %d %q", status, text)
	}
	_, text := call(t, ctx, "POST", base+"/login", "", `{"username":"admin","password":"admin123"}`)
	var login struct {
		Code  int
		Token string
	}
	if err := json.Unmarshal([]byte(text), &login); err != nil || login.Code != 200 {
		t.Fatalf("login: %v %s", err, text)
	}
	if _, text := call(t, ctx, "GET", base+"/getInfo", login.Token, ""); !strings.Contains(text, `"userName":"admin"`) {
		t.Errorf("getInfo: %s", text)
	}
	if status, _ := call(t, ctx, "GET", base+"/ws?token="+login.Token, "", ""); status != 404 {
		t.Errorf("a socket: %d, want 404", status)
	}
	proctest.Eventually(t, 10*time.Second, func() bool {
		_, text := call(t, ctx, "GET", base+"/device/1001", login.Token, "")
		return strings.Contains(text, `"last":{`)
	}, "device data")

	cancel()
	if err := <-served; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), io.Discard, "127.0.0.1:0", "http://x", time.Second); err == nil || !strings.Contains(err.Error(), "-redis") {
		t.Errorf("a wrong Redis URL: %v", err)
	}
	if err := run(t.Context(), io.Discard, "127.0.0.1:none", "redis://127.0.0.1:1", time.Second); err == nil {
		t.Error("a wrong address is taken")
	}
}

func call(t *testing.T, ctx context.Context, method, url, token, payload string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
