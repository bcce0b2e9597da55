package centrifuge

import (
	"slices"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

// maxPast is how many messages one history command yields: a client asks for the rest
// from where they end.
const maxPast = 300

// history carries out a history command: for a channel that the client is subscribed to,
// and that has one.
func (l *loop) history(o *Options, id uint32, req *protocol.HistoryRequest) {
	i := l.holds(req.Channel)
	if i < 0 {
		err := errForbidden
		if _, unknown := o.Rules.Match(req.Channel, *l.client.User); unknown != nil {
			err = errorOf(unknown)
		}
		l.fail(id, err)
		return
	}
	if !l.held[i].kept {
		l.fail(id, errNotAvailable)
		return
	}
	var from history.Position
	if s := req.Since; s != nil {
		from = history.Position{Epoch: s.Epoch, Offset: s.Offset}
	}
	limit := int(req.Limit)
	if limit < 0 || limit > maxPast {
		limit = maxPast
	}
	past, at, ok := l.hub.Past(l.held[i].redis, from, limit, req.Reverse)
	switch {
	case at.Epoch == "", req.Reverse && req.Since != nil:
		l.fail(id, errNotAvailable)
		return
	case !ok:
		l.fail(id, errUnrecoverable)
		return
	}
	if req.Reverse {
		slices.Reverse(past)
	}
	res := &protocol.HistoryResult{Publications: l.publications(past), Epoch: at.Epoch, Offset: at.Offset}
	if res.Publications == nil {
		res.Publications = []*protocol.Publication{} // npm centrifuge does not take null
	}
	l.reply(&protocol.Reply{Id: id, History: res})
}
