package redisconn_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/redisconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ping(t *testing.T, cfg redisconn.Config) error {
	t.Helper()
	c, err := redisconn.Open(cfg, nil, redisconn.Options{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer c.Close()
	return c.Ping(t.Context()).Err()
}

func TestOpenPlain(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	c, err := redisconn.Open(redisconn.Config{URLs: []string{s.URL() + "/3"}}, nil, redisconn.Options{ClientName: "wsgate-test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got := s.CLI("CLIENT", "LIST"); !strings.Contains(got, "name=wsgate-test") || !strings.Contains(got, "db=3") {
		t.Fatalf("CLIENT LIST shows neither name nor database:\n%s", got)
	}
}

func TestOpenUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.sock")
	proctest.Redis(t, "--unixsocket", path)
	if err := ping(t, redisconn.Config{URLs: []string{"unix://" + path + "?db=2"}}); err != nil {
		t.Fatal(err)
	}
}

func TestOpenACLUser(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	s.CLI("ACL", "SETUSER", "gate", "on", ">p@ss/word#1", "~wsgate:*", "&*", "+@all")
	for name, tc := range map[string]struct {
		cfg  redisconn.Config
		want string
	}{
		"options":          {redisconn.Config{URLs: []string{s.URL()}, Username: "gate", Password: "p@ss/word#1"}, ""},
		"address":          {redisconn.Config{URLs: []string{"redis://gate:p%40ss%2Fword%231@" + s.Addr()}}, ""},
		"options win":      {redisconn.Config{URLs: []string{"redis://gate:old@" + s.Addr()}, Password: "p@ss/word#1"}, ""},
		"a wrong password": {redisconn.Config{URLs: []string{s.URL()}, Username: "gate", Password: "canary"}, "WRONGPASS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ping(t, tc.cfg)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "canary") {
				t.Fatalf("got %v, want %s and no password", err, tc.want)
			}
		})
	}
}

func TestOpenIsLazy(t *testing.T) {
	t.Parallel()
	c, err := redisconn.Open(redisconn.Config{URLs: []string{"redis://127.0.0.1:1"}}, nil, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a closed port answered")
	}
}

func TestHungServerCostsAboutTwoSeconds(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	c, err := redisconn.Open(redisconn.Config{URLs: []string{s.URL()}}, nil, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	s.Pause()
	defer s.Resume()

	begin := time.Now()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a stopped server answered")
	}
	// Twice the promise, for a busy machine.
	if d := time.Since(begin); d > 4*time.Second {
		t.Fatalf("a hung server held a command for %v", d)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin = time.Now()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Fatal("a stopped server answered")
	}
	if d := time.Since(begin); d > time.Second {
		t.Fatalf("a context of 100 ms held a command for %v", d)
	}
}

func TestWrapDial(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	var dials atomic.Int32
	refuse := errors.New("no second dial")
	wrap := func(next redisconn.DialFunc) redisconn.DialFunc {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials.Add(1) > 1 {
				return nil, refuse
			}
			return next(ctx, network, addr)
		}
	}
	c, err := redisconn.OpenLink(redisconn.Config{URLs: []string{s.URL()}}, nil, redisconn.Options{WrapDial: wrap})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	held := c.Conn()
	defer held.Close()
	if err := held.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	other := c.Conn()
	defer other.Close()
	if err := other.Ping(t.Context()).Err(); !errors.Is(err, refuse) {
		t.Fatalf("got %v, want the wrapper's error", err)
	}
}
