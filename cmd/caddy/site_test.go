package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

const patience = 10 * time.Second

// site is a Caddyfile of one site with wsgate before a backend. In wsgate's
// block stands more.
func site(redis *proctest.RedisServer, backend *proctest.BackendServer, global, more, around string) string {
	return `{
	` + global + `
}
http://{$ADDR} {
	` + around + `
	wsgate {
		redis ` + redis.URL() + `
		introspect ` + backend.URL() + `/getInfo {
			preset ruoyi
		}
		socket /ws {
			account msg:{account}
			channel data_imei:{id}
		}
		drain 0s
		` + more + `
	}
	reverse_proxy ` + backend.Addr() + `
}
`
}

func socket(t *testing.T, c *proctest.CaddyServer, token string, opts ...proctest.DialOption) *proctest.Client {
	t.Helper()
	return proctest.Dial(t, c.URL()+"/ws?token="+url.QueryEscape(token), opts...)
}

// get returns the status and body of a request with a token.
func get(t *testing.T, c *proctest.CaddyServer, path, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL()+path, nil)
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
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func ready(t *testing.T, c *proctest.CaddyServer) {
	t.Helper()
	proctest.Eventually(t, patience, func() bool {
		status, _ := get(t, c, "/.wsgate/readyz", "")
		return status == http.StatusOK
	}, "readyz")
}

func pong(c *proctest.Client) {
	c.Send("ping")
	c.Expect("pong")
}

func TestTwoProcessesOnOneRedis(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	file := site(redis, backend, "", "", "")
	a, b := proctest.Caddy(t, file), proctest.Caddy(t, file)
	ready(t, a)
	ready(t, b)
	var old string
	var live *proctest.Client
	displaced := func() time.Duration {
		old = backend.Login("bob")
		page, dialog := socket(t, a, old), socket(t, a, old)
		live = socket(t, b, backend.Login("bob"))
		start := time.Now() // the claim has returned
		for _, c := range []*proctest.Client{page, dialog} {
			c.Expect("loginOut")
			c.ExpectClose(4501)
		}
		return time.Since(start)
	}
	// Not once in three times is no stall of the machine.
	if d := displaced(); d > time.Second && displaced() > time.Second && displaced() > time.Second {
		t.Errorf("the older login's sockets were closed after %v, want less than 1s", d)
	}
	for _, c := range []*proctest.CaddyServer{a, b} {
		if _, body := get(t, c, "/orders", old); !strings.Contains(body, `"code":401`) {
			t.Errorf("a request of the older login reached the backend: %s", body)
		}
	}
	pong(live)
}

func TestReloadKeepsSockets(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	c := proctest.Caddy(t, site(redis, backend, "", "", ""))
	ready(t, c)
	bob := socket(t, c, backend.Login("bob"))
	bob.Send("data_imei:1")
	pong(bob)
	file := strings.Replace(site(redis, backend, "", "", ""), "channel data_imei:{id}", `channel data_imei:{id}
			channel fresh:{id}
			message displaced "see you"`, 1)
	if err := c.Reload(file); err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, patience, func() bool { return redis.CLI("PUBLISH", "data_imei:1", "still here") == "1" }, "one subscription")
	bob.Expect("still here")
	bob.Send("fresh:1") // a rule of the new configuration, on an old socket
	pong(bob)
	proctest.Eventually(t, patience, func() bool { return redis.CLI("PUBLISH", "fresh:1", "new rule") == "1" }, "subscribed")
	bob.Expect("new rule")
	socket(t, c, backend.Login("bob"))
	bob.Expect("see you")
	bob.ExpectClose(4501)

	if err := c.Reload(strings.Replace(file, "socket /ws", "socket ws", 1)); err == nil {
		t.Error("a broken configuration was loaded")
	}
	pong(socket(t, c, backend.Login("carol")))
}

// A reload that takes the handler away lets its sockets go, but doesn't wait.
func TestReloadWithoutTheHandler(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	c := proctest.Caddy(t, strings.Replace(site(redis, backend, "", "", ""), "drain 0s", "drain 1h", 1))
	ready(t, c)
	bob := socket(t, c, backend.Login("bob"))
	pong(bob)
	if err := c.Reload("http://{$ADDR} {\n\treverse_proxy " + backend.Addr() + "\n}\n"); err != nil {
		t.Fatal(err)
	}
	bob.ExpectClose(1001)
	if status, _ := get(t, c, "/.wsgate/healthz", ""); status != http.StatusOK {
		t.Errorf("the backend did not answer: %d", status)
	}
}

func TestStopSaysGoodbye(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	c := proctest.Caddy(t, site(redis, backend, "", "", ""))
	ready(t, c)
	bob := socket(t, c, backend.Login("bob"))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		c.Stop()
	}()
	bob.ExpectClose(1001)
	<-stopped
}

// TestWriterChains opens a socket through each combination of what Caddy may put
// around a response: the access log must show 101, and nothing may race.
func TestWriterChains(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	for _, log := range []string{"", "log"} {
		for _, metrics := range []string{"", "metrics"} {
			for _, encode := range []string{"", "encode"} {
				t.Run("log="+log+" metrics="+metrics+" encode="+encode, func(t *testing.T) {
					c := proctest.Caddy(t, site(redis, backend, metrics, "", log+"\n\t"+encode))
					ready(t, c)
					bob := socket(t, c, backend.Login("bob"))
					bob.Send("data_imei:1")
					pong(bob)
					proctest.Eventually(t, patience, func() bool { return redis.CLI("PUBLISH", "data_imei:1", "hello") == "1" }, "subscribed")
					bob.Expect("hello")
					if status, body := get(t, c, "/orders", backend.Login("alice")); status != 200 || body != "hello alice" {
						t.Errorf("plain request: %d %s", status, body)
					}
					if log != "" {
						c.AwaitLog(`"status":101`, patience)
						c.AwaitLog(`"user_id":`, patience)
					}
					if metrics != "" {
						res, err := http.Get("http://" + c.AdminAddr + "/metrics")
						if err != nil {
							t.Fatal(err)
						}
						defer func() { _ = res.Body.Close() }()
						body, _ := io.ReadAll(res.Body)
						if !strings.Contains(string(body), `caddy_wsgate_sockets{gate="default"} 1`) {
							t.Errorf("no gauge of the socket in /metrics")
						}
					}
				})
			}
		}
	}
}
