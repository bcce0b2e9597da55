package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"golang.org/x/net/http2"

	"github.com/wsgate/wsgate/core/proctest"
)

// tlsSite is site, behind TLS with a certificate of Caddy's own.
func tlsSite(redis *proctest.RedisServer, backend *proctest.BackendServer, global string) string {
	file := site(redis, backend, "local_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n\t"+global, "", "")
	return strings.Replace(file, "http://{$ADDR}", "https://{$ADDR}", 1)
}

var anyCertificate = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a test's own server

// https opens a socket over TLS.
func https(t *testing.T, c *proctest.CaddyServer, token string, opts ...proctest.DialOption) *proctest.Client {
	t.Helper()
	return proctest.Dial(t, "https://"+c.Addr+"/ws?token="+token, append(opts, trust())...)
}

func trust() proctest.DialOption {
	return proctest.WithDialer(func(d *websocket.Dialer) { d.TLSClientConfig = anyCertificate })
}

// readyTLS waits for the certificate too.
func readyTLS(t *testing.T, c *proctest.CaddyServer) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: anyCertificate}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	proctest.Eventually(t, patience, func() bool {
		res, err := client.Get("https://" + c.Addr + "/.wsgate/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, "readyz over TLS")
	return client
}

func deviceCookie(t *testing.T, h http.Header) *http.Cookie {
	t.Helper()
	for _, ck := range (&http.Response{Header: h}).Cookies() {
		if strings.HasSuffix(ck.Name, "wsgate-did") {
			return ck
		}
	}
	t.Fatalf("no device cookie in %q", h["Set-Cookie"])
	return nil
}

func TestTLSSite(t *testing.T) {
	t.Parallel()
	for name, global := range map[string]string{
		"default":      "",
		"protocols h1": "servers {\n\t\tprotocols h1\n\t}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis, backend := proctest.Redis(t), proctest.Backend(t)
			c := proctest.Caddy(t, tlsSite(redis, backend, global))
			client := readyTLS(t, c)

			// The cookie that only a secure page of this very host can have set.
			old := https(t, c, backend.Login("bob"))
			ck := deviceCookie(t, old.Response.Header)
			if ck.Name != "__Host-wsgate-did" || !ck.Secure || !ck.HttpOnly || ck.Path != "/" || ck.Domain != "" || ck.SameSite != http.SameSiteLaxMode {
				t.Errorf("cookie on the 101: %+v", ck)
			}
			old.Send("data_imei:1")
			pong(old)
			proctest.Eventually(t, patience, func() bool { return redis.CLI("PUBLISH", "data_imei:1", "over TLS") == "1" }, "subscribed")
			old.Expect("over TLS")

			// The same browser logs in again: closed without a word.
			again := https(t, c, backend.Login("bob"), proctest.WithHeader("Cookie", ck.Name+"="+ck.Value))
			pong(again)
			old.ExpectClose(4002)
			// Another one does: told.
			third := backend.Login("bob")
			https(t, c, third)
			again.Expect("loginOut")
			again.ExpectClose(4501)

			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.Addr+"/orders", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+third)
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if ck := deviceCookie(t, res.Header); ck.Name != "__Host-wsgate-did" || !ck.Secure {
				t.Errorf("cookie on an answer: %+v", ck)
			}

			// A page that came without TLS may open no socket here.
			for origin, want := range map[string]int{"http://" + c.Addr: http.StatusForbidden, "null": http.StatusForbidden} {
				res := proctest.Refused(t, "https://"+c.Addr+"/ws?token="+third, trust(), proctest.WithHeader("Origin", origin))
				if res.StatusCode != want {
					t.Errorf("Origin %s: %s, want %d", origin, res.Status, want)
				}
			}
			https(t, c, third, proctest.WithHeader("Origin", "https://"+c.Addr))
		})
	}
}

// TestExtendedConnectOverHTTP2 uses a real HTTP/2 client, for which the server
// must be told to allow the method (RFC 8441).
func TestExtendedConnectOverHTTP2(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	c := proctest.Caddy(t, tlsSite(redis, backend, ""), proctest.Env("GODEBUG=http2xconnect=1"))
	readyTLS(t, c)
	//nolint:staticcheck // the standard library's client has no extended CONNECT
	transport := &http2.Transport{TLSClientConfig: anyCertificate}
	t.Cleanup(transport.CloseIdleConnections) //nolint:staticcheck // as above
	connect := func(path, token string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://"+c.Addr+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header[":protocol"] = []string{"websocket"}
		r.Header.Set("Sec-Websocket-Version", "13")
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := transport.RoundTrip(r) //nolint:staticcheck // as above
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return res.StatusCode, string(body)
	}
	dead := backend.Login("bob")
	https(t, c, dead)
	live := backend.Login("bob")
	https(t, c, live)

	before := len(backend.Requests())
	if status, body := connect("/ws", live); status != http.StatusNotImplemented {
		t.Errorf("on the socket path: %d %s, want 501", status, body)
	}
	if _, body := connect("/orders", dead); !strings.Contains(body, `"code":401`) {
		t.Errorf("a displaced login passed the guard: %s", body)
	}
	for _, r := range backend.Requests()[before:] {
		if r.Path == "/orders" {
			t.Errorf("it reached the backend: %+v", r)
		}
	}
}
