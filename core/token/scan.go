package token

import "strings"

// nextParam cuts the first parameter off a raw query. Old servers split at
// semicolons too. The name is decoded, the value is not. sep is the separator
// behind the parameter, or 0 at the end.
func nextParam(q string) (name, value, param, rest string, sep byte) {
	param = q
	if i := strings.IndexAny(q, "&;"); i >= 0 {
		param, sep, rest = q[:i], q[i], q[i+1:]
	}
	name, value, _ = strings.Cut(param, "=")
	return unescape(name), value, param, rest, sep
}

// nextCookie cuts the first pair off the value of a Cookie header.
func nextCookie(line string) (name, value, rest string) {
	pair, rest, _ := strings.Cut(line, ";")
	name, value, _ = strings.Cut(pair, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), rest
}
