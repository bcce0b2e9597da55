package centrifuge

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/token"
)

// connect answers the first command. Its token must be the one that the socket was
// admitted with, if it has any.
func (l *loop) connect(o *Options, id uint32, req *protocol.ConnectRequest) {
	if l.connected {
		l.refuse("connected already")
		return
	}
	t, err := token.New(strings.Clone(req.Token))
	if err != nil || t != (token.Token{}) && t != l.client.User.Token {
		l.fail(id, errBadRequest)
		l.refuse("the token is malformed, or there are two")
		return
	}
	l.connected = true
	res := &protocol.ConnectResult{Client: rand.Text(), Version: "wsgate", Ping: seconds(o.Ping), Pong: true}
	res.Expires, res.Ttl = ttl(l.client.Expires, time.Now())
	l.reply(&protocol.Reply{Id: id, Connect: res})
}

// seconds is at least one, for zero would mean never.
func seconds(d time.Duration) uint32 {
	return uint32(max(1, min((d+time.Second-1)/time.Second, 1<<31))) //nolint:gosec // bounded
}

// earliest is how much before its token's end a client is asked for a fresh one.
const earliest = 10 * time.Second

// ttl tells a client when to refresh: ten seconds before the end, and not before two
// thirds of what is left.
func ttl(expires, now time.Time) (has bool, secs uint32) {
	if expires.IsZero() {
		return false, 0
	}
	left := max(0, expires.Sub(now))
	return true, seconds(left - min(left/3, earliest))
}
