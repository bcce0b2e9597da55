package channel

import (
	"context"
	"fmt"
	"strings"
)

// PublishCommand begins the command of protocol plain that publishes:
// `publish <command> <payload>`.
const PublishCommand = "publish "

func (c *rule) setPublish(cfg *Publish, allow string) (err error) {
	if cfg == nil {
		return nil
	}
	c.publish, c.publishBy = true, c.authorize
	if cfg.Authorize != nil {
		c.publishBy, err = compileAuthorize(cfg.Authorize, &c.pattern, allow)
	}
	return err
}

// checkPublish refuses patterns that would make the publish command ambiguous. Where
// no rule publishes, there is no such command, and nothing to refuse.
func (r *Rules) checkPublish() error {
	if !r.Publishes() {
		return nil
	}
	for i := range r.rules {
		p := &r.rules[i].pattern
		if strings.HasPrefix(p.literals[0], PublishCommand) {
			return fmt.Errorf("channel: %q: a command that begins with `publish ` publishes, for one of the rules says `publish`: rename it", p.text)
		}
		if r.rules[i].publish && strings.Contains(p.text, " ") {
			return fmt.Errorf("channel: %q has a space, which ends the command in `publish <command> <payload>`: leave it out, or leave out `publish`", p.text)
		}
	}
	return nil
}

// Publishes says whether clients may publish by any rule.
func (r *Rules) Publishes() bool {
	for i := range r.rules {
		if r.rules[i].publish {
			return true
		}
	}
	return false
}

// AuthorizePublish decides whether the login may publish to the channel of a match:
// by the rule's own publish authorization, else as Authorize does. It returns nil,
// ErrForbidden, or ErrUnavailable with its cause, and may wait for the backend, until
// ctx ends.
func (r *Rules) AuthorizePublish(ctx context.Context, m Match, u User) error {
	if m.rule == nil || !m.rule.publish {
		return ErrForbidden
	}
	return r.authorize(ctx, m.rule.publishBy, &m, &u)
}
