package centrifuge

import (
	"errors"
	"time"

	"github.com/centrifugal/protocol"
)

// ErrExpired means that a token is not active: the client should get another one.
var ErrExpired = errors.New("centrifuge: token expired")

// refresh carries out a refresh command: the socket goes on with a fresh token.
func (l *loop) refresh(id uint32, req *protocol.RefreshRequest) {
	if l.client.Refresh == nil {
		l.fail(id, errNotAvailable)
		return
	}
	t, err := readToken(req.Token)
	if err != nil || t.IsZero() {
		l.fail(id, errBadRequest)
		return
	}
	l.flush() // the backend may take its time
	c, err := l.client.Refresh(l.server.Context, l.socket, t)
	switch {
	case l.socket.Closed():
		return
	case errors.Is(err, ErrExpired):
		l.fail(id, errExpired)
		return
	case err != nil:
		l.fail(id, errorOf(err))
		return
	}
	l.client = c
	res := &protocol.RefreshResult{}
	res.Expires, res.Ttl = ttl(c.Expires, time.Now())
	l.reply(&protocol.Reply{Id: id, Refresh: res})
}
