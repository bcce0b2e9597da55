package plain

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/wire"
)

// unsubscribe starts the command that ends another one.
const unsubscribe = "unsubscribe "

// ask carries out a watch, subscribe or unsubscribe command, and yields the code
// of a refusal or "".
func (l *loop) ask(ctx context.Context, o *Options, command string) (refusal string) {
	if rest, ok := strings.CutPrefix(command, unsubscribe); ok {
		return l.drop(o, rest)
	}
	m, err := o.Rules.Match(command, *l.user)
	if err != nil {
		return code(err)
	}
	if m.Redis == "" || l.holds(command) >= 0 {
		return "" // a watch that relays nothing, or the same again
	}
	if channels, _ := o.limits(); len(l.held) >= channels {
		return "too_many_channels"
	}
	if err := o.Rules.Authorize(ctx, m, *l.user); err != nil {
		return code(err)
	}
	l.held = append(l.held, held{command: command, channel: m.Redis})
	l.subscribe(ctx, o, &m, time.Time{})
	return ""
}

// drop ends a command. What was never in force is no mistake, as long as it could
// have been.
func (l *loop) drop(o *Options, command string) (refusal string) {
	i := l.holds(command)
	if i < 0 {
		if _, err := o.Rules.Match(command, *l.user); err != nil {
			return code(err)
		}
		return ""
	}
	name := l.held[i].channel
	l.held = slices.Delete(l.held, i, i+1)
	if !slices.ContainsFunc(l.held, func(h held) bool { return h.channel == name }) && !o.Joins.Has(*l.user, name) {
		l.hub.Unsubscribe(l.socket, name, l.encoder)
	}
	return ""
}

func (l *loop) holds(command string) int {
	return slices.IndexFunc(l.held, func(h held) bool { return h.command == command })
}

// code is what the client is told of an error of Rules.
func code(err error) string {
	switch {
	case errors.Is(err, channel.ErrUnknown):
		return "unknown_command"
	case errors.Is(err, channel.ErrForbidden):
		return "forbidden"
	default:
		return "unavailable"
	}
}

// refuse tells the client that its command was refused. The command is sent back
// whole, so that a page can compare it with its own, and as valid UTF-8; its length is
// bounded by that of a message.
func (l *loop) refuse(o *Options, code string, command []byte) {
	if !o.Errors {
		return
	}
	l.socket.Send(wire.TextFrame("error:" + code + " " + strings.ToValidUTF8(string(command), "\uFFFD")))
}
