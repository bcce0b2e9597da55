package plain

import (
	"context"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// subscribe begins to relay what a command asked for, after what its rule says that
// the client missed.
func (l *loop) subscribe(ctx context.Context, o *Options, m *channel.Match) {
	from := hub.From{Keep: m.History(), Last: m.Last(), Resume: m.Resume()}
	if !from.Keep.On() {
		l.hub.Subscribe(l.socket, m.Redis, l.encoder)
		return
	}
	if from.Resume > 0 && l.server.LeftOff != nil {
		from.Since, from.Resumed = l.server.LeftOff(ctx, l.user.Login, m.Redis, from.Resume)
	}
	l.hub.SubscribeFrom(l.socket, m.Redis, l.encoder, from, o.missed)
}

// missed are the frames of what a client missed, after the word that it is not all, if
// it isn't. They are never compressed: that would
// take too long under the hub's lock.
func (o *Options) missed(dst []byte, start *hub.Start) []byte {
	if start.Resumed && !start.Recovered {
		dst = append(dst, o.Gap...)
	}
	for i := range start.Missed {
		dst = wire.AppendText(dst, start.Missed[i].Payload)
	}
	return dst
}
