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
	c := &CaddyServer{tb: tb, out: newOutput()}
	tb.Cleanup(func() {
		if c.proc != nil {
			c.Kill()
		}
	})
	// Another process may take a port between the choice and the bind.
	for range 5 {
		if c.start(binary, caddyfile, opts) {
			return c
		}
		if !strings.Contains(c.out.String(), "address already in use") {
			break
		}
	}
	tb.Fatalf("proctest: caddy did not start:\n%s", c.out)
	return nil
}

// start reports whether Caddy got as far as serving, on two ports of its choice.
func (c *CaddyServer) start(binary, caddyfile string, opts []CaddyOption) bool {
	c.tb.Helper()
	dir := c.tb.TempDir()
	c.Addr = "127.0.0.1:" + strconv.Itoa(FreePort(c.tb))
	c.AdminAddr = "127.0.0.1:" + strconv.Itoa(FreePort(c.tb))
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(c.complete(caddyfile)), 0o600); err != nil {
		c.tb.Fatalf("proctest: %v", err)
	}
	cmd := exec.Command(binary, "run", "--config", file, "--adapter", "caddyfile") //nolint:gosec // the test's own
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ADDR="+c.Addr, "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	for _, o := range opts {
		o(cmd)
	}
	mark := c.out.len()
	p, err := start(cmd, c.out)
	if err != nil {
		c.tb.Fatalf("proctest: start caddy: %v", err)
	}
	c.proc = p
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if c.out.await(ctx, p, mark, "serving initial configuration") {
		return true
	}
	p.kill()
	return false
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
// against it. It returns when only the new one is served: for a moment both listen, and
// a connection that the kernel has given to the old listener is reset with it.
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
	for _, addr := range []string{c.Addr, c.AdminAddr} {
		var n int
		if !Within(startTimeout, func() bool { n, err = listeners(addr); return err != nil || n <= 1 }) {
			return fmt.Errorf("proctest: reload: %d listeners stay on %s", n, addr)
		}
		if err != nil {
			return fmt.Errorf("proctest: reload: %w", err)
		}
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
