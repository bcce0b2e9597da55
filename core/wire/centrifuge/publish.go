package centrifuge

import (
	"context"
	"strings"

	"github.com/centrifugal/protocol"
)

// publish carries out a publish command. What is published is the JSON of its data.
func (l *loop) publish(ctx context.Context, o *Options, id uint32, req *protocol.PublishRequest) {
	switch {
	case req.Channel == "" || len(req.Data) == 0:
		l.fail(id, errBadRequest)
		return
	case req.Type != 0 || req.Removed:
		l.fail(id, errNotAvailable)
		return
	}
	m, err := o.Rules.Match(strings.Clone(req.Channel), *l.client.User)
	if err == nil {
		l.flush() // the backend, and Redis, may take their time
		err = o.Rules.AuthorizePublish(ctx, m, *l.client.User)
	}
	if err == nil {
		err = l.server.Publish(ctx, l.socket, m.Redis, req.Data)
	}
	if err != nil {
		l.fail(id, errorOf(err))
		return
	}
	l.reply(&protocol.Reply{Id: id, Publish: &protocol.PublishResult{}})
}
