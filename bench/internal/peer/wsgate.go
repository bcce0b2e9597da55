//go:build linux

package peer

import (
	"bytes"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/wsgate/wsgate/bench/internal/stub"
)

//go:embed wsgate.caddyfile
var wsgateConfig string

var wsgateTemplate = template.Must(template.New("Caddyfile").Parse(wsgateConfig))

// Ports are those of the one Caddy that serves sockets and, for the HTTP
// scenario, three sites with the same backend.
type Ports struct {
	Gate, Bare, ForwardAuth, TLS, Admin int
}

func wsgate(e Env) (*Server, error) {
	s, _, err := StartCaddy(e)
	return s, err
}

// wsgateTLS is wsgate behind Caddy's own TLS.
func wsgateTLS(e Env) (*Server, error) {
	s, ports, err := startCaddy(e, true)
	if err != nil {
		return nil, err
	}
	s.Way.URL = fmt.Sprintf("wss://127.0.0.1:%d/ws", ports.TLS)
	// Caddy makes its certificate only after it has begun to listen.
	ready := e.Loop.RunUntil(startLimit, func() bool {
		c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports.TLS), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its own authority
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	if !ready {
		s.Stop()
		return nil, errors.New("no certificate")
	}
	return s, nil
}

// wsgateDeflate is wsgate with compression, which its clients offer.
func wsgateDeflate(e Env) (*Server, error) {
	s, ports, err := startCaddy(e, false)
	if err == nil {
		s.Way.URL, s.Way.Compression = fmt.Sprintf("ws://127.0.0.1:%d/deflate", ports.Gate), true
	}
	return s, err
}

// wsgateCentrifuge is wsgate to clients of the Centrifuge protocol.
func wsgateCentrifuge(e Env) (*Server, error) {
	s, ports, err := startCaddy(e, false)
	if err == nil {
		s.Way = Way{
			URL:   fmt.Sprintf("ws://127.0.0.1:%d/centrifuge", ports.Gate),
			Hello: []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"` + channelAll + `"}}`},
		}
	}
	return s, err
}

// StartCaddy starts Caddy with the gate in it.
func StartCaddy(e Env) (*Server, Ports, error) { return startCaddy(e, false) }

func startCaddy(e Env, secure bool) (*Server, Ports, error) {
	var ports Ports
	program, err := built(e.Bin, "wsgate")
	if err != nil {
		return nil, ports, err
	}
	for _, p := range []*int{&ports.Gate, &ports.Bare, &ports.ForwardAuth, &ports.TLS, &ports.Admin} {
		if *p, err = freePort(); err != nil {
			return nil, ports, err
		}
	}
	var config bytes.Buffer
	err = wsgateTemplate.Execute(&config, map[string]any{
		"Profile": e.Profile, "TLS": secure, "Ports": ports, "Redis": e.RedisPort, "Stub": e.StubPort, "AuthPath": stub.AuthPath, "InfoPath": stub.InfoPath,
	})
	if err != nil {
		return nil, ports, err
	}
	file := filepath.Join(e.Dir, "Caddyfile")
	if err := os.WriteFile(file, config.Bytes(), 0o644); err != nil {
		return nil, ports, err
	}
	env := []string{"XDG_DATA_HOME=" + e.Dir, "XDG_CONFIG_HOME=" + e.Dir}
	if e.Profile {
		// The usual rate, one in 512 KiB, is too coarse for what a socket has.
		env = append(env, "GODEBUG=memprofilerate=8192")
	}
	p, err := spawn(e, ports.Gate, env,
		program, "run", "--config", file, "--adapter", "caddyfile")
	if err != nil {
		return nil, ports, err
	}
	s := &Server{Name: "wsgate", Version: commit(e.Root), Port: ports.Gate, process: p, Dialect: plain(e), Publisher: byRedis(e)}
	s.Way = Way{URL: fmt.Sprintf("ws://127.0.0.1:%d/ws", ports.Gate), Hello: []string{channelAll}}
	if e.Profile {
		s.Profiles = fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/", ports.Admin)
	}
	return s, ports, nil
}

// commit names what was measured; a plus sign says that files were changed.
func commit(root string) string {
	cmd := exec.Command("git", "describe", "--always", "--dirty=+")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "unknown commit"
	}
	return "commit " + strings.TrimSpace(string(out))
}
