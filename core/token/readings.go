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
		dst = add(dst, trim(removeAll(v, scheme, findScheme)), false)
	}
	return oddReadings(dst, v, scheme)
}

// isPlain says whether all known backends read v alike.
func isPlain(v, scheme string) bool {
	return !strings.ContainsAny(v, " \t,") && indexFold(v, scheme) < 0
}

// oddReadings are what hand-written header parsers make of a value: the second
// or last of its words; the first word, or all, behind a scheme wherever it
// stands (Laravel); all behind as many bytes as a scheme has; all but the
// scheme. Each ends at a comma or does not.
func oddReadings(dst []reading, v, scheme string) []reading {
	_, others := cutWord(v)
	second, _ := cutWord(others)
	dst = addOdd(dst, second, scheme)
	dst = addOdd(dst, v[strings.LastIndexAny(v, " \t")+1:], scheme)
	if _, end := findScheme(v, scheme); end > 0 {
		first, _ := cutWord(v[end:])
		dst = addOdd(dst, first, scheme)
		rest := v
		for ; end > 0; _, end = findScheme(rest, scheme) {
			rest = rest[end:]
		}
		dst = addOdd(dst, rest, scheme)
	}
	if len(v) > len(scheme)+1 {
		dst = addOdd(dst, v[len(scheme)+1:], scheme)
	}
	return addOdd(dst, removeAll(v, scheme, findWord), scheme)
}

// cutWord cuts the first word off v and the blanks behind it.
func cutWord(v string) (word, rest string) {
	i := strings.IndexAny(v, " \t")
	if i < 0 {
		return v, ""
	}
	return v[:i], strings.TrimLeft(v[i:], " \t")
}

// removeAll removes what find finds, in one pass: a header of the largest size
// must not cost quadratic time.
func removeAll(v, scheme string, find func(v, scheme string) (at, end int)) string {
	var out strings.Builder
	for at, end := find(v, scheme); at >= 0; at, end = find(v, scheme) {
		out.WriteString(v[:at])
		v = v[end:]
	}
	out.WriteString(v)
	return out.String()
}

func findWord(v, scheme string) (at, end int) {
	at = indexFold(v, scheme)
	return at, at + len(scheme)
}

func addOdd(dst []reading, v, scheme string) []reading {
	if v = trim(v); strings.EqualFold(v, scheme) {
		return dst
	}
	head, _, _ := strings.Cut(v, ",")
	return add(add(dst, v, true), trim(head), true)
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
		if v[i]|0x20 == word[0]|0x20 && strings.EqualFold(v[i:i+len(word)], word) {
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
