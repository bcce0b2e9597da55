package gate

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/session"
)

// wording is a text that may tell why a login ended: {reason} is displaced, kicked,
// expired or denied, {message} says it in a sentence, {by_ip} (masked) and
// {by_device} are those of the newer login, and {at} is when (RFC 3339). In JSON the
// values are escaped as parts of a string.
type wording struct {
	literals []string // one more than names
	names    []string
	json     bool
}

var (
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
	// words are the placeholders of a wording.
	words = []string{"reason", "message", "by_ip", "by_device", "at"}
)

// newWording reads a template. asJSON says that its content is JSON; a text that
// begins like JSON is taken for it.
func newWording(text string, asJSON bool) (wording, error) {
	trimmed := strings.TrimSpace(text)
	w := wording{json: asJSON || !placeholder.MatchString(trimmed[:min(len(trimmed), 32)]) && strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")}
	at := 0
	for _, span := range placeholder.FindAllStringIndex(text, -1) {
		name := text[span[0]+1 : span[1]-1]
		if !slices.Contains(words, name) {
			return w, fmt.Errorf("gate: %q: {%s} is unknown: a text may have {%s}", text, name, strings.Join(words, "}, {"))
		}
		w.literals, w.names = append(w.literals, text[at:span[0]]), append(w.names, name)
		at = span[1]
	}
	w.literals = append(w.literals, text[at:])
	return w, nil
}

// CheckWording says what is wrong with a text of a message or a rejection.
func CheckWording(text string) error {
	_, err := newWording(text, false)
	return err
}

// fixed says that the text is the same for everybody.
func (w *wording) fixed() bool { return len(w.names) == 0 }

func (w *wording) fill(d *details) string {
	if w.fixed() {
		return w.literals[0]
	}
	var b strings.Builder
	for i, name := range w.names {
		b.WriteString(w.literals[i])
		v := d.word(name)
		if w.json {
			v = jsonText(v)
		}
		b.WriteString(v)
	}
	b.WriteString(w.literals[len(w.names)])
	return b.String()
}

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
