package proctest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// CaddyServer is a process of this module's own Caddy.
type CaddyServer struct {
	// Addr is a free address, 127.0.0.1:<port>. The Caddyfile gets it as {$ADDR}
	// and listens there or not.
	Addr string
	// AdminAddr is that of the admin API.
	AdminAddr string

	tb      testing.TB
	proc    *process
	out     *output
	checked bool
}

// CaddyOption changes how Caddy is run.
type CaddyOption func(*exec.Cmd)

// Env adds variables of the form NAME=value to Caddy's environment.
func Env(vars ...string) CaddyOption {
	return func(c *exec.Cmd) { c.Env = append(c.Env, vars...) }
}

// Caddy builds cmd/caddy, with the race detector if the test has it, runs it with a
// Caddyfile and returns when that is being served. In the file, {$ADDR} is the
// server's Addr; the admin address, a bind to 127.0.0.1 and a private storage are put
// in by the helper. At cleanup the process is killed, and a data race or a panic that it
// reported fails the test.
func Caddy(tb testing.TB, caddyfile string, opts ...CaddyOption) *CaddyServer {
	tb.Helper()
	binary, err := caddyBinary()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	c := &CaddyServer{
		tb: tb, out: newOutput(),
		Addr:      "127.0.0.1:" + strconv.Itoa(FreePort(tb)),
		AdminAddr: "127.0.0.1:" + strconv.Itoa(FreePort(tb)),
	}
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(c.complete(caddyfile)), 0o600); err != nil {
		tb.Fatalf("proctest: %v", err)
	}
	cmd := exec.Command(binary, "run", "--config", file, "--adapter", "caddyfile") //nolint:gosec // the test's own
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ADDR="+c.Addr, "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	for _, o := range opts {
		o(cmd)
	}
	if c.proc, err = start(cmd, c.out); err != nil {
		tb.Fatalf("proctest: start caddy: %v", err)
	}
	tb.Cleanup(c.Kill)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if !c.out.await(ctx, c.proc, 0, "serving initial configuration") {
		c.proc.kill()
		tb.Fatalf("proctest: caddy did not start:\n%s", c.out)
	}
	return c
}

// complete puts the helper's global options before the test's own.
func (c *CaddyServer) complete(caddyfile string) string {
	global := "\n\tadmin " + c.AdminAddr + "\n\tpersist_config off\n\tdefault_bind 127.0.0.1\n"
	trimmed := strings.TrimSpace(caddyfile)
	if rest, ok := strings.CutPrefix(trimmed, "{\n"); ok {
		return "{" + global + rest + "\n"
	}
	return "{" + global + "}\n\n" + trimmed + "\n"
}

// URL is http:// and Addr.
func (c *CaddyServer) URL() string { return "http://" + c.Addr }

// Logs is everything that Caddy printed.
func (c *CaddyServer) Logs() string { return c.out.String() }

// AwaitLog waits until Caddy has printed text, and fails the test when it does not
// within timeout.
func (c *CaddyServer) AwaitLog(text string, timeout time.Duration) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if !c.out.await(ctx, c.proc, 0, text) {
		c.tb.Fatalf("proctest: caddy did not print %q within %v:\n%s", text, timeout, c.out)
	}
}

// Reload gives Caddy another Caddyfile through its admin API and returns what it says
// against it.
func (c *CaddyServer) Reload(caddyfile string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.AdminAddr+"/load", strings.NewReader(c.complete(caddyfile)))
	if err != nil {
		return fmt.Errorf("proctest: reload: %w", err)
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	// A connection of its own: the one that a reload was sent on outlives it
	// only for a while.
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("proctest: reload: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("proctest: reload: %s: %s", res.Status, body)
	}
	return nil
}

// Kill ends Caddy with SIGKILL and waits until it is gone.
func (c *CaddyServer) Kill() {
	c.tb.Helper()
	c.proc.kill()
	c.check()
}

// Stop ends Caddy with SIGTERM, as a service manager does, and waits until it is gone:
// at most half a minute, which fails the test.
func (c *CaddyServer) Stop() {
	c.tb.Helper()
	if !c.proc.stop(30 * time.Second) {
		c.tb.Errorf("proctest: caddy did not end within 30 s of SIGTERM:\n%s", c.out)
	}
	c.check()
}

// PID is Caddy's process id, for its memory and the like.
func (c *CaddyServer) PID() int { return c.proc.cmd.Process.Pid }

func (c *CaddyServer) check() {
	c.tb.Helper()
	if c.checked {
		return
	}
	c.checked = true
	for _, bad := range []string{"WARNING: DATA RACE", "\npanic: ", "fatal error: ", "panic serving"} {
		if i := strings.Index(c.out.String(), bad); i >= 0 {
			c.tb.Errorf("proctest: caddy reported %q:\n%.8000s", strings.TrimSpace(bad), c.out.String()[i:])
		}
	}
}
