package plain

import (
	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// subscribe begins to relay what a command asked for, after what its rule says that
// the client missed.
func (l *loop) subscribe(m *channel.Match) {
	from := hub.From{Keep: m.History(), Last: m.Last()}
	if !from.Keep.On() {
		l.hub.Subscribe(l.socket, m.Redis, l.encoder)
		return
	}
	l.hub.SubscribeFrom(l.socket, m.Redis, l.encoder, from, missed)
}

// missed are the frames of what a client missed. They are never compressed: that would
// take too long under the hub's lock.
func missed(dst []byte, start *hub.Start) []byte {
	for i := range start.Missed {
		dst = wire.AppendText(dst, start.Missed[i].Payload)
	}
	return dst
}
