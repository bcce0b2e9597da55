package channel_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
)

func TestJoins(t *testing.T) {
	t.Parallel()
	j, err := channel.CompileJoins([]string{
		"user:{user}", "tenant:{claims.tenant}", "none:{claims.none}", "{claims.deep.x}{claims.x}",
		"{claims.deep.x}", "y", "news", "{claims.under}__", "{claims.under}", "__keyspace", "wsgat{claims.e}:x",
	}, "wsgate:", nil)
	if err != nil {
		t.Fatal(err)
	}
	u := ann
	u.Claims = map[string]any{"tenant": "t/1", "deep": map[string]any{"x": "y"}, "under": "__x", "e": "e"}
	want := []string{"user:1", "tenant:t%2F1", "y", "news", "__keyspace"}
	if got := names(j.Channels(u)); !slices.Equal(got, want) || !j.UsesClaims() {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := j.Channels(channel.User{}); len(got) != 0 {
		t.Errorf("nobody joins %v", got)
	}
	none, err := channel.CompileJoins(nil, "wsgate:", nil)
	if err != nil || none.UsesClaims() || len(none.Channels(ann)) != 0 {
		t.Errorf("no joins: %v, %v", none, err)
	}
}

func names(joins []channel.Match) (out []string) {
	for i := range joins {
		out = append(out, joins[i].Redis)
	}
	return out
}

// What a rule of the path keeps of a channel is kept of it where it is joined.
func TestJoinsKeepHistories(t *testing.T) {
	t.Parallel()
	history := func(n int) *channel.History {
		return &channel.History{Messages: n, For: conf.Duration(time.Hour)}
	}
	rules := compile(t, &channel.Account{Pattern: "msg:{account}", Redis: "watched:{user}"},
		channel.Config{Pattern: "none:{id}"},
		channel.Config{Pattern: "user:{id}", History: history(1), Last: true},
		channel.Config{Pattern: "news", History: history(2)},
		channel.Config{Pattern: "mine", Redis: "box:{user}:{claims.tenant}", History: history(3), Resume: conf.Duration(time.Minute)},
		channel.Config{Pattern: "elsewhere:{id}", Redis: "else:{id}", History: history(5)},
	)
	j, err := channel.CompileJoins([]string{
		"none:{user}", "user:{user}", "news", "box:{user}:{claims.tenant}", "elsewhere:{user}", "watched:{user}",
	}, "wsgate:", rules)
	if err != nil {
		t.Fatal(err)
	}
	u := ann
	u.Claims = map[string]any{"tenant": "t"}
	want := map[string]int{"user:1": 1, "news": 2, "box:1:t": 3}
	for _, m := range j.Channels(u) {
		if got := m.History().Messages; got != want[m.Redis] {
			t.Errorf("%s keeps %d messages, want %d", m.Redis, got, want[m.Redis])
		}
		if m.Last() != (m.Redis == "user:1") || (m.Resume() > 0) != (m.Redis == "box:1:t") {
			t.Errorf("%s: last %v, resume %v", m.Redis, m.Last(), m.Resume())
		}
	}
	if !j.Has(u, "news") || j.Has(u, "else:1") {
		t.Error("Has is wrong")
	}
}

func TestJoinErrors(t *testing.T) {
	t.Parallel()
	many := make([]string, 33)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	for _, c := range []struct {
		join []string
		want string
	}{
		{[]string{""}, "empty"},
		{[]string{"a", "a"}, `"a" stands twice`},
		{[]string{"x:{id}"}, "{id} has no value"},
		{[]string{"x:{account}"}, "{account} has no value"},
		{[]string{"x:{host}"}, "a Caddyfile replaces"},
		{[]string{"x:{user"}, "braces stand in pairs"},
		{[]string{"wsgate:{user}"}, "under the key prefix"},
		{many, "33 joins, at most 32"},
	} {
		if _, err := channel.CompileJoins(c.join, "wsgate:", nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30q: %v, want %q", c.join, err, c.want)
		}
	}
}
