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
	rules     *Rules
}

// CompileJoins makes them of templates, which may use {user} and {claims.x}. rules are
// those of the same path: what one of them keeps of a channel that is joined is kept
// there too. Its errors quote the template that is wrong.
func CompileJoins(templates []string, keyPrefix string, rules *Rules) (*Joins, error) {
	if len(templates) == 0 {
		return nil, nil
	}
	if len(templates) > maxJoins {
		return nil, fmt.Errorf("channel: %d joins, at most %d are possible", len(templates), maxJoins)
	}
	j := &Joins{keyPrefix: keyPrefix, rules: rules}
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

// Channels are those for a login, as if commands had asked for them. One is left out
// where the login has no value for one of its claims, or where it leads to a channel that
// is never relayed.
func (j *Joins) Channels(u User) []Match {
	if j == nil {
		return nil
	}
	out := make([]Match, 0, len(j.templates))
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
		if !slices.ContainsFunc(out, func(m Match) bool { return m.Redis == name }) {
			out = append(out, Match{Kind: Subscribe, Redis: name, rule: j.keeping(t, name, &u)})
		}
	}
	return out
}

// Has says whether a login joins a Redis channel.
func (j *Joins) Has(u User, name string) bool {
	return slices.ContainsFunc(j.Channels(u), func(m Match) bool { return m.Redis == name })
}

// keeping is the first rule with a history that leads to a joined channel by the command
// of its name, or by the same template; nil: there is none.
func (j *Joins) keeping(t *template, name string, u *User) *rule {
	if j.rules == nil {
		return nil
	}
	for i := range j.rules.rules {
		c := &j.rules.rules[i]
		if !c.keep.On() {
			continue
		}
		if c.redis != nil && c.redis.equal(t) {
			return c
		}
		if ps, ok := c.pattern.match(name); ok {
			m := Match{Kind: c.kind, Command: name, rule: c, parts: ps}
			if err := j.rules.name(&m, u); err == nil && m.Redis == name {
				return c
			}
		}
	}
	return nil
}
