package gate

import (
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/proctest"
)

// One message goes compressed to those that agreed on it, and as it is to others.
func TestCompression(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Sockets[0].Compression = true })
	n := s.node()
	offer := proctest.WithDialer(func(d *websocket.Dialer) { d.EnableCompression = true })
	packed := proctest.Dial(t, n.srv.URL+"/ws?token="+s.backend.Login("bob"), offer)
	plain := proctest.Dial(t, n.srv.URL+"/ws?token="+s.backend.Login("carol"))
	if got := packed.Response.Header.Get("Sec-Websocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
		t.Errorf("answered %q", got)
	}
	if got := plain.Response.Header.Get("Sec-Websocket-Extensions"); got != "" {
		t.Errorf("answered %q to no offer", got)
	}
	for _, c := range []*proctest.Client{packed, plain} {
		c.Send("data_imei:1")
		c.Send("ping")
		c.Expect("pong")
	}
	text := strings.Repeat("21.5 degrees, ", 200)
	proctest.Eventually(t, patience, func() bool { return s.redis.CLI("PUBLISH", "data_imei:1", text) == "1" }, "subscribed")
	packed.Expect(text)
	plain.Expect(text)
}
