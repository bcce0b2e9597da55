package channel

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// maxParts is how many parts a pattern may have.
	maxParts = 8
	// maxAccount is how long {account} may be, in bytes.
	maxAccount = 1024
	// maxCommand bounds a command in bytes; a longer one matches nothing.
	maxCommand = 8192
)

// pattern is what a command must look like.
type pattern struct {
	text     string
	literals []string // one more than names; between them stand the parts
	names    []string
	account  bool // the last part is {account}
}

// parts are those of one command.
type parts [maxParts]span

type span struct{ from, to uint16 }

// parsePattern reads a pattern; account says that it is the account command's.
func parsePattern(text string, account bool) (pattern, error) {
	p := pattern{text: text}
	var err error
	if p.literals, p.names, err = splitBraces(text); err != nil {
		return pattern{}, err
	}
	n := len(p.names)
	switch {
	case text == "":
		return pattern{}, fmt.Errorf("channel: a pattern is empty")
	case len(text) > 1024:
		return pattern{}, fmt.Errorf("channel: a pattern has at most 1024 bytes, %.40q… has %d", text, len(text))
	case n > maxParts:
		return pattern{}, fmt.Errorf("channel: %q has more than %d parts", text, maxParts)
	case strings.HasPrefix(p.literals[0], "unsubscribe "):
		return pattern{}, fmt.Errorf("channel: %q: a command that begins with `unsubscribe ` takes back another", text)
	case account && (n == 0 || p.names[n-1] != accountName || p.literals[n] != ""):
		return pattern{}, fmt.Errorf("channel: the account command %q ends with {account}, such as msg:{account}", text)
	}
	for i, name := range p.names {
		switch {
		case name == accountName && !account:
			return pattern{}, fmt.Errorf("channel: %q: {account} is for the account command; a channel's template may use {user}", text)
		case name == accountName && i < n-1:
			return pattern{}, fmt.Errorf("channel: %q: {account} stands at the end, for it matches anything", text)
		case slices.Contains(p.names[:i], name):
			return pattern{}, fmt.Errorf("channel: %q has two parts called {%s}", text, name)
		case i > 0 && p.literals[i] == "":
			return pattern{}, fmt.Errorf("channel: %q: {%s}{%s} is ambiguous: put a character such as : or / between them", text, p.names[i-1], name)
		case i > 0 && spanOfPart(p.literals[i]) == len(p.literals[i]):
			return pattern{}, fmt.Errorf("channel: %q: {%s}%s{%s} is ambiguous, for a part may hold %[3]q itself: put a character such as : or / between them",
				text, p.names[i-1], p.literals[i], name)
		}
		if err := checkName(name); err != nil {
			return pattern{}, fmt.Errorf("%w (in %q)", err, text)
		}
	}
	p.account = account
	return p, nil
}

// match reads a command in one pass.
func (p *pattern) match(command string) (parts, bool) {
	var out parts
	if len(command) > maxCommand || !strings.HasPrefix(command, p.literals[0]) {
		return out, false
	}
	at, last := len(p.literals[0]), len(p.names)-1
	for i := range p.names {
		next := p.literals[i+1]
		end := len(command) - len(next)
		switch {
		case i == last && p.account:
			out[i] = span{uint16(at), uint16(len(command))} //nolint:gosec // maxCommand
			return out, len(command)-at <= maxAccount
		case i < last:
			// The first character from here that no part holds is the first
			// such one of the literal: that tells where the literal begins.
			window := command[at:min(len(command), at+maxPartBytes+len(next))]
			end = at + spanOfPart(window) - spanOfPart(next)
		}
		if end < at || !isPart(command[at:end]) || !strings.HasPrefix(command[end:], next) {
			return out, false
		}
		out[i] = span{uint16(at), uint16(end)} //nolint:gosec // maxCommand
		at = end + len(next)
	}
	return out, at == len(command)
}

// shape is equal for patterns that match the same commands.
func (p *pattern) shape() string { return strings.Join(p.literals, "{}") }
