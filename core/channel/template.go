package channel

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// template is text with the values of a command and its login in it.
type template struct {
	literals []string
	values   []value
}

// value is where one {…} of a template comes from.
type value struct {
	part  int      // index of the pattern's part, -1 for the others
	claim []string // path below claims; nil for {user}
}

// parseTemplate reads a template for commands of the pattern p.
func parseTemplate(text string, p *pattern) (template, error) {
	literals, names, err := splitBraces(text)
	if err != nil {
		return template{}, err
	}
	t := template{literals: literals}
	for _, name := range names {
		claim, isClaim := strings.CutPrefix(name, claimsName+".")
		switch i := slices.Index(p.names, name); {
		case i >= 0:
			t.values = append(t.values, value{part: i})
		case name == userName:
			t.values = append(t.values, value{part: -1})
		case isClaim && claim != "" && !slices.Contains(strings.Split(claim, "."), ""):
			t.values = append(t.values, value{part: -1, claim: strings.Split(claim, ".")})
		default:
			if err := checkName(name); err != nil && name != claimsName {
				return template{}, fmt.Errorf("%w (in %q)", err, text)
			}
			return template{}, p.unknown(text, name)
		}
	}
	return t, nil
}

// unknown says that a template of the pattern has a name without a value. An empty
// pattern is that of a join, for which there is no command.
func (p *pattern) unknown(text, name string) error {
	if p.text == "" {
		return fmt.Errorf("channel: %q: {%s} has no value: nobody asks for a join with a command, so it may use {user} and {claims.name} only", text, name)
	}
	return fmt.Errorf("channel: %q: {%s} is no part of %q: a template may use the pattern's parts, {user} and {claims.name}", text, name, p.text)
}

// equal says that both always make the same text.
func (t *template) equal(o *template) bool {
	return slices.Equal(t.literals, o.literals) && slices.EqualFunc(t.values, o.values, func(a, b value) bool {
		return a.part < 0 && b.part < 0 && slices.Equal(a.claim, b.claim)
	})
}

func (t *template) usesClaims() bool {
	return slices.ContainsFunc(t.values, func(v value) bool { return v.claim != nil })
}

// escape is how values are written. It is no function value, for what goes into one
// would be allocated.
type escape bool

const (
	forChannel escape = false
	forURI     escape = true
)

func (e escape) append(dst []byte, s string) []byte {
	if e == forURI {
		return escapeURI(dst, s)
	}
	return escapeChannel(dst, s)
}

// appendTo appends the text; false where the login has no value for one of the
// claims.
func (t *template) appendTo(dst []byte, command string, ps *parts, u *User, esc escape) ([]byte, bool) {
	for i, v := range t.values {
		dst = append(dst, t.literals[i]...)
		switch {
		case v.part >= 0:
			dst = esc.append(dst, command[ps[v.part].from:ps[v.part].to])
		case v.claim == nil:
			dst = esc.append(dst, u.Subject)
		default:
			s, ok := claimText(u.Claims, v.claim)
			if !ok {
				return dst, false
			}
			dst = esc.append(dst, s)
		}
	}
	return append(dst, t.literals[len(t.values)]...), true
}

const hexDigits = "0123456789ABCDEF"

// escapeChannel percent-encodes the bytes that a part can't hold; what a part can
// hold stays, other scripts' letters included.
func escapeChannel(dst []byte, s string) []byte {
	for s != "" {
		n := spanOfPart(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s != "" {
			dst = append(dst, '%', hexDigits[s[0]>>4], hexDigits[s[0]&15])
			s = s[1:]
		}
	}
	return dst
}

// escapeURI percent-encodes all but RFC 3986's unreserved characters, which is right
// in a path segment and in a query alike.
func escapeURI(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c != '@' && inPartByte(c) || c == '~' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// claimText is a claim that is a text, a whole number or a truth value. Others have no
// one spelling.
func claimText(claims any, path []string) (string, bool) {
	for _, name := range path {
		m, ok := claims.(map[string]any)
		if !ok {
			return "", false
		}
		claims = m[name]
	}
	switch v := claims.(type) {
	case string:
		return v, v != ""
	case json.Number:
		return v.String(), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case uint64:
		return strconv.FormatUint(v, 10), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), true
		}
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
