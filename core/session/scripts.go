package session

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/token"
)

//go:embed lua/common.lua
var commonLua string

//go:embed lua/order.lua
var orderLua string

//go:embed lua/takeover.lua
var takeoverLua string

//go:embed lua/claim.lua
var claimLua string

//go:embed lua/touch.lua
var touchLua string

//go:embed lua/returned.lua
var returnedLua string

//go:embed lua/revoke.lua
var revokeLua string

//go:embed lua/restore.lua
var restoreLua string

//go:embed lua/used.lua
var usedLua string

// script is one Lua script and the name that Redis gives it.
type script struct{ src, sha string }

// scriptSet are the scripts of a registry.
type scriptSet struct {
	restore, touch, used, returned, revoke, claim *script
}

var scripts = newScripts(commonLua)

func newScripts(common string) *scriptSet {
	build := func(parts ...string) *script {
		src := common + strings.Join(parts, "")
		return &script{src: src, sha: redis.NewScript(src).Hash()}
	}
	return &scriptSet{
		restore:  build(orderLua, restoreLua),
		touch:    build(touchLua),
		used:     build(usedLua),
		returned: build(returnedLua),
		revoke:   build(revokeLua),
		claim:    build(orderLua, takeoverLua, claimLua),
	}
}

// load sends all scripts, claim last: where it is loaded so is restore, which
// goes before it in one pipeline.
func (s *scriptSet) load(ctx context.Context, rdb redis.Cmdable) error {
	for _, sc := range []*script{s.restore, s.touch, s.used, s.returned, s.revoke, s.claim} {
		// Not in a pipeline: in a Cluster, that would go to one node only.
		if err := rdb.ScriptLoad(ctx, sc.src).Err(); err != nil {
			return fmt.Errorf("session: loading scripts: %w", err)
		}
	}
	return nil
}

// call is one step of a pipeline: a script, or a plain command where it is nil.
type call struct {
	script *script
	keys   []string
	args   []any
}

// reply is what every script returns; lua/common.lua has its parts.
type reply struct {
	status, identity, raw, life, silence, event, grace, more string
}

var errReply = errors.New("session: unexpected reply of a script")

// exec runs calls in one round trip, in order, and returns the replies of the
// scripts among them; a plain command yields the zero reply. The first failed
// call is the error.
func (r *Registry) exec(ctx context.Context, calls []call) ([]reply, error) {
	out, err := r.execOnce(ctx, calls)
	if !redis.HasErrorPrefix(err, "NOSCRIPT") {
		return out, err
	}
	if err := r.lua.load(ctx, r.rdb); err != nil {
		return nil, err
	}
	return r.execOnce(ctx, calls)
}

func (r *Registry) execOnce(ctx context.Context, calls []call) ([]reply, error) {
	cmds, err := r.batch.do(ctx, calls)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	out := make([]reply, len(calls))
	for i, c := range calls {
		if err := cmds[i].Err(); err != nil && (c.script != nil || !errors.Is(err, redis.Nil)) {
			return nil, fmt.Errorf("session: %w", err)
		}
		if c.script == nil {
			continue
		}
		var err error
		if out[i], err = parseReply(cmds[i].Val()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseReply(v any) (reply, error) {
	list, ok := v.([]any)
	if !ok || len(list) != 8 {
		return reply{}, errReply
	}
	var s [8]string
	for i, e := range list {
		if s[i], ok = e.(string); !ok {
			return reply{}, errReply
		}
	}
	return reply{s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]}, nil
}

// view turns a reply that is about a login into what is kept of it; nil where
// Redis knows nothing.
func (p *reply) view(account string, now time.Time) (*view, error) {
	if p.identity == "" {
		return nil, nil
	}
	id, err := token.ParseFingerprint(p.identity)
	if err != nil {
		return nil, fmt.Errorf("session: identity in Redis: %w", err)
	}
	switch p.status {
	case "live", "same", "rotated":
		return liveView(account, id, p.raw, now)
	case "dead", "stale":
		return deadView(account, id, p.raw, times{ms(p.life), ms(p.silence), ms(p.grace)}, now)
	}
	return nil, errReply
}

// flag is a boolean argument of a script.
func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}
