package channel

import (
	"fmt"
	"slices"
	"strings"
)

// maxJoins is how many channels a socket path may have its sockets join.
const maxJoins = 32

// Joins are the Redis channels that every socket of a path listens to from the start,
// such as `user:{user}`. Nil is none.
type Joins struct {
	templates []template
	keyPrefix string
}

// CompileJoins makes them of templates, which may use {user} and {claims.x}. Its errors
// quote the template that is wrong.
func CompileJoins(templates []string, keyPrefix string) (*Joins, error) {
	if len(templates) == 0 {
		return nil, nil
	}
	if len(templates) > maxJoins {
		return nil, fmt.Errorf("channel: %d joins, at most %d are possible", len(templates), maxJoins)
	}
	j := &Joins{keyPrefix: keyPrefix}
	for i, text := range templates {
		if text == "" {
			return nil, fmt.Errorf("channel: a join is empty: name a Redis channel, such as user:{user}")
		}
		if slices.Contains(templates[:i], text) {
			return nil, fmt.Errorf("channel: join %q stands twice: write it once", text)
		}
		t, err := parseTemplate(text, &pattern{})
		switch {
		case err != nil:
			return nil, err
		case keyPrefix != "" && strings.HasPrefix(t.literals[0], keyPrefix):
			return nil, fmt.Errorf("channel: join %q lies under the key prefix %q, which is never allowed", text, keyPrefix)
		}
		j.templates = append(j.templates, t)
	}
	return j, nil
}

// UsesClaims says whether Channels looks at a User's Claims.
func (j *Joins) UsesClaims() bool {
	return j != nil && slices.ContainsFunc(j.templates, func(t template) bool { return t.usesClaims() })
}

// Channels are the Redis channels for a login. One is left out where the login has no
// value for one of its claims, or where it leads to a channel that is never relayed.
func (j *Joins) Channels(u User) []string {
	if j == nil {
		return nil
	}
	out := make([]string, 0, len(j.templates))
	for i := range j.templates {
		t := &j.templates[i]
		b, ok := t.appendTo(nil, "", &parts{}, &u, forChannel)
		name := string(b)
		if !ok || u.Subject == "" || name == "" || len(name) > maxRedis || j.keyPrefix != "" && strings.HasPrefix(name, j.keyPrefix) {
			continue
		}
		if strings.HasPrefix(name, "__") && !strings.HasPrefix(t.literals[0], "__") {
			continue
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
