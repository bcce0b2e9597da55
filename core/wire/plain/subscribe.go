package plain

import (
	"context"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// joinWait is how long a socket waits for all that it joins.
const joinWait = time.Second

// join begins to relay the channels of the site's choice.
func (l *loop) join(o *Options) {
	joins := o.Joins.Channels(*l.user)
	if len(joins) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(l.server.Context, joinWait)
	defer cancel()
	by := time.Now().Add(joinWait)
	for i := range joins {
		l.subscribe(ctx, o, &joins[i], by)
	}
}

// subscribe begins to relay what a command asked for, after what its rule says that
// the client missed. It waits no longer than by, unless that is zero.
func (l *loop) subscribe(ctx context.Context, o *Options, m *channel.Match, by time.Time) {
	from := hub.From{Keep: m.History(), Last: m.Last(), Resume: m.Resume(), By: by}
	// What another command began already, or the socket joined, is not resumed again.
	if !from.Keep.On() || l.hub.Listens(l.socket, m.Redis, l.encoder) {
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
