package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wsgate/wsgate/core/proctest"
)

func init() { caddy.RegisterModule(eventLog{}) }

// eventLog is a handler of Caddy's events app that keeps what it is told.
type eventLog struct {
	// Name is of the configuration.
	Name string `json:"name,omitempty"`
}

type toldEvent struct {
	config string
	event  caddy.Event
}

var toldEvents = make(chan toldEvent, 64)

func (eventLog) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.wsgate_test", New: func() caddy.Module { return new(eventLog) }}
}

func (l *eventLog) Handle(_ context.Context, e caddy.Event) error {
	toldEvents <- toldEvent{l.Name, e}
	return nil
}

// TestEventsReachCaddysEventsApp runs a whole Caddy in this process, for a handler of
// events that the test can see.
func TestEventsReachCaddysEventsApp(t *testing.T) { //nolint:paralleltest // one Caddy a process
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	addr := "127.0.0.1:" + strconv.Itoa(proctest.FreePort(t))
	load := func(name, more string) {
		t.Helper()
		cfg := `{"admin":{"disabled":true},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},
			"apps":{"events":{"subscriptions":[{"events":["wsgate.claim","wsgate.displaced"],"modules":["wsgate"],
				"handlers":[{"handler":"wsgate_test","name":"` + name + `"}]}]},
			"http":{"servers":{"s":{"listen":["` + addr + `"],"automatic_https":{"disable":true},"routes":[{"handle":[
				{"handler":"wsgate","name":"events","introspect":{"uri":"` + backend.URL() + `/getInfo","preset":"ruoyi"},
				"redis":{"urls":["` + redis.URL() + `"]},"drain":"0s"` + more + `},
				{"handler":"reverse_proxy","upstreams":[{"dial":"` + backend.Addr() + `"}]}]}]}}}}}`
		if !json.Valid([]byte(cfg)) {
			t.Fatal(cfg)
		}
		if err := caddy.Load([]byte(cfg), true); err != nil {
			t.Fatal(err)
		}
	}
	request := func(token string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	told := func(config, name string) map[string]any {
		t.Helper()
		select {
		case got := <-toldEvents:
			e := got.event
			if got.config != config || e.Name() != name || e.Origin().CaddyModule().ID != "wsgate" || e.Data["gate"] != "events" || e.Data["account"] != "1" {
				t.Errorf("%s was told of %s by %v: %v", got.config, e.Name(), e.Origin(), e.Data)
			}
			return e.Data
		case <-time.After(10 * time.Second):
			t.Fatalf("nobody was told of %s", name)
			return nil
		}
	}
	load("first", "")
	defer func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	}()
	request(backend.Login("bob"))
	first := told("first", "wsgate.claim")

	// The gate outlives the configuration, and tells the new one's handlers.
	load("second", `,"endpoints":"/.other"`)
	request(backend.Login("bob"))
	claim, displaced := told("second", "wsgate.claim"), told("second", "wsgate.displaced")
	if displaced["sid"] != first["sid"] || displaced["by"] != claim["sid"] || claim["sid"] == "" || displaced["reason"] != "displaced" || claim["ip"] != "127.0.0.1" {
		t.Errorf("first %v\nclaim %v\ndisplaced %v", first, claim, displaced)
	}
}
