package channel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
)

func FuzzCompileAndMatch(f *testing.F) {
	f.Add("d:{id}", "{id}", "d:7")
	f.Add("room/{a}/{b}!", "{b}:{claims.tenant}:{user}", "room/x/y!")
	f.Add("{a}-:{b}", "", "x--:y")
	f.Add("{a}", "{claims.deep.x}", "..")
	f.Add("unsubscribe {x", "}{", "\xff")
	f.Fuzz(func(t *testing.T, pattern, redis, command string) {
		r, err := channel.Compile(nil, []channel.Config{{Pattern: pattern, Redis: redis}}, "wsgate:", channel.Options{})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "channel: ") {
				t.Fatalf("an error without prefix: %v", err)
			}
			return
		}
		m, err := r.Match(command, ann)
		switch {
		case errors.Is(err, channel.ErrUnknown), errors.Is(err, channel.ErrForbidden):
			return
		case err != nil:
			t.Fatal(err)
		}
		if _, ok := model(pattern)(command); !ok {
			t.Fatalf("%q matched %q", pattern, command)
		}
		if m.Redis == "" || len(m.Redis) > 8192 || strings.HasPrefix(m.Redis, "wsgate:") {
			t.Fatalf("%q and %q lead to %q", pattern, command, m.Redis)
		}
	})
}
