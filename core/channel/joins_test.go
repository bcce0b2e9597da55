package channel_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
)

func TestJoins(t *testing.T) {
	t.Parallel()
	j, err := channel.CompileJoins([]string{
		"user:{user}", "tenant:{claims.tenant}", "none:{claims.none}", "{claims.deep.x}{claims.x}",
		"{claims.deep.x}", "y", "news", "{claims.under}__", "{claims.under}", "__keyspace", "wsgat{claims.e}:x",
	}, "wsgate:")
	if err != nil {
		t.Fatal(err)
	}
	u := ann
	u.Claims = map[string]any{"tenant": "t/1", "deep": map[string]any{"x": "y"}, "under": "__x", "e": "e"}
	want := []string{"user:1", "tenant:t%2F1", "y", "news", "__keyspace"}
	if got := j.Channels(u); !slices.Equal(got, want) || !j.UsesClaims() {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := j.Channels(channel.User{}); len(got) != 0 {
		t.Errorf("nobody joins %q", got)
	}
	none, err := channel.CompileJoins(nil, "wsgate:")
	if err != nil || none.UsesClaims() || len(none.Channels(ann)) != 0 {
		t.Errorf("no joins: %v, %v", none, err)
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
		if _, err := channel.CompileJoins(c.join, "wsgate:"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30q: %v, want %q", c.join, err, c.want)
		}
	}
}
