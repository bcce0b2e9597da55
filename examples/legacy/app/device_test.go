package app

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestDeviceList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, want := range map[string]int{"admin": 12, "alice": 4, "bob": 5} {
		b := f.call("GET", "/device/list", "Bearer "+f.login(name), "")
		rows, _ := b["rows"].([]any)
		if b.code() != 200 || b["total"] != float64(want) || len(rows) != want {
			t.Errorf("%s: %d rows, want %d: %v", name, len(rows), want, b["total"])
		}
	}
	if b := f.call("GET", "/device/list", "", ""); b.code() != 401 {
		t.Errorf("without a token: %v", b)
	}
}

func TestDeviceGet(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	alice := "Bearer " + f.login("alice")
	for path, want := range map[string]int{
		"/device/1001":                200,
		"/device/1005":                403, // another department's
		"/device/9":                   500,
		"/device/x":                   500,
		"/device/1001%20":             500,
		"/device/9999999999999999999": 500,
	} {
		if b := f.call("GET", path, alice, ""); b.code() != want {
			t.Errorf("%s: %v", path, b)
		}
		if b := f.call("GET", path, "", ""); b.code() != 401 {
			t.Errorf("%s without a token: %v", path, b)
		}
	}
}

func TestDevicePut(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	alice := "Bearer " + f.login("alice")
	for name, in := range map[string]string{
		"no name":        `{"name":"  "}`,
		"long name":      `{"name":"` + strings.Repeat("名", 61) + `"}`,
		"long location":  `{"location":"` + strings.Repeat("x", 61) + `"}`,
		"interval 0":     `{"interval":0}`,
		"interval 61":    `{"interval":61}`,
		"interval 1.5":   `{"interval":1.5}`,
		"alarm too high": `{"alarmAt":100.1}`,
		"alarm too low":  `{"alarmAt":-51}`,
		"long remark":    `{"remark":"` + strings.Repeat("x", 501) + `"}`,
		"not JSON":       `name=x`,
	} {
		if b := f.call("PUT", "/device/1001", alice, in); b.code() != 500 || b["msg"] == "" {
			t.Errorf("%s: %v", name, b)
		}
	}
	if b := f.call("PUT", "/device/1005", alice, `{}`); b.code() != 403 {
		t.Errorf("another department's device: %v", b)
	}
	in := `{"name":" Cold room one ","location":"Hall B","interval":5,"alarmAt":7.5,"enabled":false,"remark":"new door"}`
	if b := f.call("PUT", "/device/1001", alice, in); b.code() != 200 {
		t.Fatalf("save: %v", b)
	}
	b := f.call("GET", "/device/1001", alice, "")
	for k, want := range map[string]any{
		"id": float64(1001), "name": "Cold room one", "location": "Hall B", "interval": float64(5), "alarmAt": 7.5,
		"enabled": false, "remark": "new door", "updateBy": "alice", "updateTime": "2026-03-01 12:00:00",
	} {
		if got := b.at("data", k); got != want {
			t.Errorf("%s: got %v, want %v", k, got, want)
		}
	}
}

func TestAnnounceNeverBlocks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	alice := "Bearer " + f.login("alice")
	for range maxAnnounced + 3 { // Run isn't running: nobody takes them
		if b := f.call("PUT", "/device/1001", alice, `{}`); b.code() != 200 {
			t.Fatalf("save: %v", b)
		}
	}
	if len(f.saved) != maxAnnounced {
		t.Errorf("%d changes wait", len(f.saved))
	}
}

func TestRoundsFollowTheInterval(t *testing.T) {
	t.Parallel()
	d := newDevices()
	d.m[1001].Interval = 3
	d.m[1002].Enabled = false
	reports := map[int64]int{}
	for n := range uint64(9) {
		for _, r := range d.round(n, start) {
			reports[r.ID]++
		}
	}
	if reports[1001] != 3 || reports[1002] != 0 || reports[1003] != 9 {
		t.Errorf("got %v", reports)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for path, want := range map[string]int{
		"/": 200, "/js/main.js": 200, "/css/base.css": 200, "/icon.svg": 200,
		"/ws": 404, "/nope": 404, "/js/../../app.go": 404, "/app.go": 404,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		page().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("%s: no content security policy", path)
		}
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest("GET", "/ws?token=x", nil))
	if w.Code != 404 {
		t.Errorf("a socket without a gateway: %d, want 404", w.Code)
	}
}
