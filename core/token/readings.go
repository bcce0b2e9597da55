package token

import "strings"

// reading is one token that a value may mean. Backends read one value
// differently, so a value has one reading or more.
type reading struct {
	value string
	// odd readings are those of a value that no well-behaved client sends, but
	// that some backend accepts: `Bearer x y`, `Foo x`. A request is refused if
	// one is dead; none is worth a call to the backend.
	odd bool
}

// maxReadings is above what any one value yields; each function below has a
// fixed number of them.
const maxReadings = 24

// headerReadings reads the value of a header, or a decoded query value.
func headerReadings(dst []reading, v, scheme string, optional bool) []reading {
	v = trim(v)
	if scheme == "" {
		return add(dst, v, false)
	}
	at, end := findScheme(v, scheme)
	if at == 0 && isPlain(v[end:], scheme) {
		return add(dst, v[end:], false)
	}
	if at == 0 || optional && !strings.EqualFold(v, scheme) {
		// RuoYi removes its scheme wherever it stands.
		joined := v
		for at, end := findScheme(joined, scheme); at >= 0; at, end = findScheme(joined, scheme) {
			joined = joined[:at] + joined[end:]
		}
		dst = add(dst, trim(joined), false)
	}
	return oddReadings(dst, v, scheme)
}

// isPlain says whether all known backends read v alike.
func isPlain(v, scheme string) bool {
	return !strings.ContainsAny(v, " \t,") && indexFold(v, scheme) < 0
}

// oddReadings are what hand-written header parsers make of a value: the text
// behind the last scheme and before a comma (Laravel), the second or last of
// its words, all behind as many bytes as a scheme has, all but the scheme.
func oddReadings(dst []reading, v, scheme string) []reading {
	words := strings.Fields(v)
	for i, w := range words {
		if (i == 1 || i == len(words)-1) && !strings.EqualFold(w, scheme) {
			dst = addOdd(dst, w)
		}
	}
	rest := v
	for first := true; ; first = false {
		at, end := findScheme(rest, scheme)
		if at < 0 {
			if !first {
				dst = addOdd(dst, rest)
			}
			break
		}
		if rest = rest[end:]; first {
			dst = addOdd(dst, strings.Fields(rest)...)
		}
	}
	if len(v) > len(scheme)+1 {
		dst = addOdd(dst, v[len(scheme)+1:])
	}
	if strings.Contains(strings.ToLower(v), strings.ToLower(scheme)) {
		bare := v
		for i := indexFold(bare, scheme); i >= 0; i = indexFold(bare, scheme) {
			bare = bare[:i] + bare[i+len(scheme):]
		}
		dst = addOdd(dst, bare)
	}
	return dst
}

// addOdd adds the first of the values, whole and up to a comma.
func addOdd(dst []reading, vs ...string) []reading {
	if len(vs) == 0 {
		return dst
	}
	v := trim(vs[0])
	dst = add(dst, v, true)
	head, _, _ := strings.Cut(v, ",")
	return add(dst, trim(head), true)
}

// findScheme finds the scheme, in any case, with the spaces or tabs behind it.
func findScheme(v, scheme string) (at, end int) {
	for from := 0; ; from++ {
		i := indexFold(v[from:], scheme)
		if i < 0 {
			return -1, -1
		}
		from += i
		end = from + len(scheme)
		for end < len(v) && (v[end] == ' ' || v[end] == '\t') {
			end++
		}
		if end > from+len(scheme) {
			return from, end
		}
	}
}

func indexFold(v, word string) int {
	for i := 0; i+len(word) <= len(v); i++ {
		if strings.EqualFold(v[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}

// queryReadings reads a query value. A plus is a space; where that leaves no
// token, for tokens have no spaces, it is a plus that the page forgot to escape.
func queryReadings(dst []reading, v string, s *Source) []reading {
	if strings.IndexByte(v, '+') < 0 {
		return headerReadings(dst, unescape(v), s.Scheme, s.SchemeOptional)
	}
	spaced := headerReadings(dst, unescape(strings.ReplaceAll(v, "+", " ")), s.Scheme, s.SchemeOptional)
	odd := false
	for _, r := range spaced[len(dst):] {
		odd = odd || !r.odd && isWellFormed(r.value)
	}
	if !odd {
		spaced = spaced[:len(dst)]
	}
	var rest [maxReadings]reading
	for _, r := range headerReadings(rest[:0], unescape(v), s.Scheme, s.SchemeOptional) {
		spaced = add(spaced, r.value, r.odd || odd)
	}
	return spaced
}

// cookieReadings reads a cookie value, which some servers decode and some do not.
func cookieReadings(dst []reading, v string) []reading {
	v = unquote(v)
	if strings.IndexByte(v, '%') >= 0 {
		dst = add(dst, trim(unquote(unescape(v))), false)
	}
	dst = add(dst, trim(v), false)
	if strings.IndexByte(v, '+') >= 0 {
		dst = add(dst, trim(unescape(strings.ReplaceAll(v, "+", " "))), true)
	}
	return dst
}

func add(dst []reading, v string, odd bool) []reading {
	if v == "" || len(dst) == maxReadings {
		return dst
	}
	for _, d := range dst {
		if d.value == v {
			return dst
		}
	}
	return append(dst, reading{v, odd})
}
