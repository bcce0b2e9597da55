package channel

import "strings"

// maxRedis bounds the name of a Redis channel, in bytes.
const maxRedis = 4096

// Kind is what a command does.
type Kind uint8

const (
	// Watch is the account command: the socket wants to hear of its account.
	Watch Kind = iota + 1
	// Subscribe asks for a channel.
	Subscribe
)

// Match is a command that a rule allows as far as the rule alone can tell.
type Match struct {
	Kind    Kind
	Command string
	// Redis is the channel to relay; empty for a watch that relays nothing.
	Redis string

	rule  *rule
	parts parts
}

// Match finds the rule of a command. It returns ErrUnknown where there is none, and
// ErrForbidden where the command names another account, needs a claim that the login
// does not have, or leads to a channel that is never relayed.
func (r *Rules) Match(command string, u User) (Match, error) {
	for i := range r.rules {
		c := &r.rules[i]
		ps, ok := c.pattern.match(command)
		if !ok {
			continue
		}
		m := Match{Kind: c.kind, Command: command, rule: c, parts: ps}
		if c.kind == Watch && !u.is(m.part(len(c.pattern.names)-1)) {
			return Match{}, ErrForbidden
		}
		if err := r.name(&m, &u); err != nil {
			return Match{}, err
		}
		return m, nil
	}
	return Match{}, ErrUnknown
}

// name fills in the Redis channel.
func (r *Rules) name(m *Match, u *User) error {
	switch {
	case m.rule.redis != nil:
		var room [256]byte
		b, ok := m.rule.redis.appendTo(room[:0], m.Command, &m.parts, u, forChannel)
		if !ok || len(b) > maxRedis {
			return ErrForbidden
		}
		m.Redis = string(b)
	case m.Kind == Subscribe:
		m.Redis = m.Command
	default:
		return nil
	}
	if m.Redis == "" || r.keyPrefix != "" && strings.HasPrefix(m.Redis, r.keyPrefix) {
		return ErrForbidden
	}
	// Keyspace notifications and the like: a rule such as {a}:{b} must not reach
	// them by chance.
	if strings.HasPrefix(m.Redis, "__") && !m.rule.reserved {
		return ErrForbidden
	}
	return nil
}

// is reports whether name is the account's, byte for byte.
func (u *User) is(name string) bool {
	if name == u.Subject && name != "" {
		return true
	}
	for _, a := range u.Aliases {
		if a == name && a != "" {
			return true
		}
	}
	return false
}

func (m *Match) part(i int) string { return m.Command[m.parts[i].from:m.parts[i].to] }

// Guarded reports whether Authorize has anything to decide; where not, it need not be
// called.
func (m Match) Guarded() bool { return m.rule != nil && m.rule.authorize != nil }
