package gate

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/session"
)

// wording is a text that may tell why a login ended: {reason} is displaced or kicked,
// expired or gap, {message} says it in a sentence, {by_ip} (masked) and {by_device} are
// those of the newer login, and {at} is when (RFC 3339). What is not known is left
// empty. The values are escaped for where they stand, so that none can end a string.
type wording struct {
	literals []string // one more than names
	names    []string
	escape   func(string) string
}

// placeholder also finds what a Caddyfile makes of its own shorthands, such as
// {http.request.host}: nobody would replace that here.
var placeholder = regexp.MustCompile(`\{[A-Za-z_][\w.:*\[\]-]*\}`)

// What a text may tell.
var (
	allWords  = []string{"reason", "message", "by_ip", "by_device", "at"}
	endWords  = []string{"reason", "message", "at"}
	bareWords = []string{"reason", "message"}
)

// newWording reads a template that may have some words.
func newWording(text string, words []string, escape func(string) string) (wording, error) {
	w := wording{escape: escape}
	at := 0
	for _, span := range placeholder.FindAllStringIndex(text, -1) {
		name := text[span[0]+1 : span[1]-1]
		if !slices.Contains(words, name) {
			return w, fmt.Errorf("%q: {%s} is unknown here: want {%s}; a literal brace has a space behind it", text, name, strings.Join(words, "}, {"))
		}
		w.literals, w.names = append(w.literals, text[at:span[0]]), append(w.names, name)
		at = span[1]
	}
	w.literals = append(w.literals, text[at:])
	return w, nil
}

// messageWording reads the text of a socket message. One that is JSON is filled as
// JSON.
func messageWording(text string, words []string) (wording, error) {
	w, err := newWording(text, words, asIs)
	if err != nil || w.fixed() {
		return w, err
	}
	if w.isJSON() {
		w.escape = jsonText
		return w, nil
	}
	if filled := w.filledIn(); strings.HasPrefix(filled, `{"`) || strings.HasPrefix(filled, `[{`) {
		return w, errUnquoted(text)
	}
	return w, nil
}

// bodyWording reads the body of an answer of a content type.
func bodyWording(text, mime string) (wording, error) {
	mime = strings.ToLower(mime)
	switch {
	case strings.Contains(mime, "json"):
		w, err := newWording(text, allWords, jsonText)
		if err == nil && !w.fixed() && !w.isJSON() {
			return w, errUnquoted(text)
		}
		return w, err
	case strings.Contains(mime, "html"), strings.Contains(mime, "xml"):
		return newWording(text, allWords, html.EscapeString)
	}
	return newWording(text, allWords, asIs)
}

// urlWording reads a URL; what is filled in is one value of its query.
func urlWording(text string) (wording, error) {
	return newWording(text, allWords, url.QueryEscape)
}

func errUnquoted(text string) error {
	return fmt.Errorf("%q is no JSON once it is filled in: put quotes around each {word}", text)
}

// isJSON says whether the text is a JSON object, list or string when it is filled in.
func (w *wording) isJSON() bool {
	filled := w.filledIn()
	return filled != "" && strings.ContainsRune(`{["`, rune(filled[0])) && json.Valid([]byte(filled))
}

func (w *wording) filledIn() string { return strings.TrimSpace(strings.Join(w.literals, "x")) }

// fixed says that the text is the same for everybody.
func (w *wording) fixed() bool { return len(w.names) == 0 }

func (w *wording) fill(d *details) string {
	if w.fixed() {
		return w.literals[0]
	}
	var b strings.Builder
	for i, name := range w.names {
		b.WriteString(w.literals[i])
		b.WriteString(w.escape(d.word(name)))
	}
	b.WriteString(w.literals[len(w.names)])
	return b.String()
}

func asIs(s string) string { return s }

// jsonText is s as it stands between the quotes of a JSON string.
func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return "" // a string always can be marshalled
	}
	return string(b[1 : len(b)-1])
}

// details are what a client may be told of its login's end.
type details struct {
	reason, byIP, byDevice string
	at                     time.Time
}

func detailsOf(v *session.Verdict) *details {
	return &details{reason: publicReason(v.Reason), byIP: v.By.IP, byDevice: v.By.Device, at: v.At}
}

func (d *details) word(name string) string {
	switch name {
	case "reason":
		return d.reason
	case "message":
		return reasonText[d.reason]
	case "by_ip":
		return d.byIP
	case "by_device":
		return d.byDevice
	case "at":
		if !d.at.IsZero() {
			return d.at.UTC().Format(time.RFC3339)
		}
	}
	return ""
}
