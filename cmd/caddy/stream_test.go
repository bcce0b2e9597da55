package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/wsgate/wsgate/core/proctest"
)

const ssePath = `sse /events {
			channel data_imei:{id}
			channel kept:{id} {
				history 100 1m
			}
		}`

// packed has encode, the access log and the metrics around wsgate, in every order that
// Caddy allows.
const packed = `log
	encode zstd gzip {
		minimum_length 1
	}`

// TestStreamsThroughCaddy opens a stream through Caddy's own chain of writers: events
// come at once and as they are, over each version of HTTP, and outlive a reload.
func TestStreamsThroughCaddy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, global string
		tls          bool
		version      int // of HTTP
		// outside puts encode around wsgate, which by default is the other way round.
		outside bool
	}{
		{name: "HTTP/1.1", version: 1},
		{name: "HTTP/1.1 in encode", version: 1, global: "metrics", outside: true},
		{name: "HTTP/1.1 over TLS in encode", version: 1, tls: true, outside: true},
		{name: "HTTP/2 in encode", version: 2, global: "metrics", tls: true, outside: true},
		{name: "HTTP/3 in encode", version: 3, global: "metrics", tls: true, outside: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redis, backend := proctest.Redis(t), proctest.Backend(t)
			global := c.global
			if c.outside {
				global += "\n\torder encode before wsgate"
			}
			file := site(redis, backend, global, ssePath, packed)
			if c.tls {
				file = strings.Replace(site(redis, backend, "local_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n\t"+global, ssePath, packed), "http://{$ADDR}", "https://{$ADDR}", 1)
			}
			srv := proctest.Caddy(t, file)
			base, client := srv.URL(), http.DefaultClient
			if c.tls {
				base, client = "https://"+srv.Addr, readyTLS(t, srv)
			} else {
				ready(t, srv)
			}
			switch c.version {
			case 2:
				transport := &http.Transport{TLSClientConfig: anyCertificate.Clone(), ForceAttemptHTTP2: true}
				t.Cleanup(transport.CloseIdleConnections)
				client = &http.Client{Transport: transport}
			case 3:
				transport := &http3.Transport{TLSClientConfig: anyCertificate.Clone()}
				t.Cleanup(func() { _ = transport.Close() })
				client = &http.Client{Transport: transport}
			}
			open := func(token string, headers ...string) *proctest.Stream {
				t.Helper()
				q := url.Values{"token": {token}, "channel": {"data_imei:1", "kept:1"}}
				return proctest.OpenStream(t, client, base+"/events?"+q.Encode(), append(headers, "Accept-Encoding", "gzip, zstd")...)
			}
			tok := backend.Login("bob")
			es := open(tok)
			if enc := es.Response.Header.Get("Content-Encoding"); enc != "" || es.Response.ProtoMajor != c.version {
				t.Errorf("%s, Content-Encoding %q", es.Response.Proto, enc)
			}
			es.Expect("position", "")
			say := func(channel, text string) {
				t.Helper()
				if n := redis.CLI("PUBLISH", channel, text); n != "1" {
					t.Fatalf("%s subscriptions of %s", n, channel)
				}
				es.Expect("", text)
			}
			say("data_imei:1", strings.Repeat("x", 5000))
			say("kept:1", "{\n\t\"a\": 1\n}")
			if err := srv.Reload(file); err != nil {
				t.Fatal(err)
			}
			say("data_imei:1", "after the reload")
			id := es.LastID()
			es.Close()
			redis.CLI("PUBLISH", "kept:1", "missed")
			es = open(tok, "Last-Event-ID", id)
			es.Expect("", "missed")
			// A newer login.
			fresh := open(backend.Login("bob"))
			es.Expect("displaced", "loginOut")
			es.Expect("close", `{"code":4501,"reason":"displaced","reconnect":false}`)
			es.ExpectEnd()
			// SIGTERM waits for nobody.
			fresh.Expect("position", "")
			srv.Stop()
			fresh.Expect("close", `{"code":1001,"reason":"server going away","reconnect":true}`)
			fresh.ExpectEnd()
			if logs := srv.Logs(); !strings.Contains(logs, `"status": 200`) && !strings.Contains(logs, `"status":200`) {
				t.Error("no access log of a stream")
			}
		})
	}
}
