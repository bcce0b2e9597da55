package plain

import (
	"bytes"
	"context"

	"github.com/wsgate/wsgate/core/channel"
)

func isPublish(p []byte) bool {
	return len(p) >= len(channel.PublishCommand) && string(p[:len(channel.PublishCommand)]) == channel.PublishCommand
}

// cutPublish cuts `publish <command> <payload>`. The command ends at the first space,
// and has none; the payload is the rest, byte for byte, and may be empty.
func cutPublish(p []byte) (command string, payload []byte, ok bool) {
	c, payload, ok := bytes.Cut(p[len(channel.PublishCommand):], []byte{' '})
	return string(c), payload, ok
}

// publish carries out a publish command, and yields the code of a refusal or "", and
// what to call the command in it: the payload is not sent back.
func (l *loop) publish(ctx context.Context, o *Options, p []byte) (refusal string, name []byte) {
	command, payload, ok := cutPublish(p)
	name = p[:len(channel.PublishCommand)+len(command)]
	if !ok {
		return "unknown_command", name
	}
	m, err := o.Rules.Match(command, *l.user)
	if err == nil {
		err = o.Rules.AuthorizePublish(ctx, m, *l.user)
	}
	if err == nil {
		err = l.server.Publish(ctx, l.socket, m.Redis, payload)
	}
	if err != nil {
		return code(err), name
	}
	return "", nil
}
