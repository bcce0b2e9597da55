package gate

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/wire"
)

func TestWording(t *testing.T) {
	t.Parallel()
	d := &details{reason: "displaced", byIP: `203.0."x<`, byDevice: "pc", at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	const message = "this account was logged in somewhere else"
	type wordings = func(string) (wording, error)
	socket := func(text string) (wording, error) { return messageWording(text, allWords) }
	body := func(mime string) wordings {
		return func(text string) (wording, error) { return bodyWording(text, mime) }
	}
	for _, c := range []struct {
		name     string
		read     wordings
		in, want string
	}{
		{"fixed", socket, "loginOut", "loginOut"},
		{"text", socket, "{reason} by {by_device} from {by_ip} at {at}: {message}", `displaced by pc from 203.0."x< at 2026-01-02T03:04:05Z: ` + message},
		{"one word", socket, "{reason}", "displaced"},
		{"two words", socket, "{reason}{by_device}", "displacedpc"},
		{"JSON", socket, ` {"ip":"{by_ip}"}`, ` {"ip":"203.0.\"x\u003c"}`},
		{"JSON list", socket, `["{by_ip}"]`, `["203.0.\"x\u003c"]`},
		{"JSON string", socket, `"{by_ip}"`, `"203.0.\"x\u003c"`},
		{"list-like text", socket, "[{by_ip}] {reason}", `[203.0."x<] displaced`},
		{"other braces", socket, "{ reason } {} {\"a\":1} {1}", "{ reason } {} {\"a\":1} {1}"},
		{"JSON body", body("application/problem+JSON"), `{"m":"{message}","ip":"{by_ip}"}`, `{"m":"` + message + `","ip":"203.0.\"x\u003c"}`},
		{"HTML body", body("text/html; charset=utf-8"), `<p title="{by_ip}">`, `<p title="203.0.&#34;x&lt;">`},
		{"text body", body("text/plain"), "{by_ip}", `203.0."x<`},
		{"URL", urlWording, "/login?from={by_ip}&at={at}", "/login?from=203.0.%22x%3C&at=2026-01-02T03%3A04%3A05Z"},
	} {
		w, err := c.read(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := w.fill(d); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name string
		read wordings
		in   string
		want string
	}{
		{"unknown word", socket, "{who}", "{who} is unknown here: want {reason}, {message}, {by_ip}, {by_device}, {at}"},
		{"a Caddyfile's shorthand", socket, "{http.request.header.X-Y}", "{http.request.header.X-Y} is unknown"},
		{"unquoted in JSON", socket, `{"at":{at}}`, "put quotes around"},
		{"unquoted in a JSON body", body("application/json"), `[{at}]`, "put quotes around"},
		{"text in a JSON body", body("application/json"), `{at}`, "put quotes around"},
		{"a word of another message", func(text string) (wording, error) { return messageWording(text, bareWords) }, "{at}", "{at} is unknown here: want {reason}, {message};"},
	} {
		if _, err := c.read(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Whatever is filled in, JSON stays the JSON that it was, and a URL the same URL.
func TestPropertyWordingEscapes(t *testing.T) {
	t.Parallel()
	const text = `{"type":"out","ip":"{by_ip}","device":"{by_device}"}`
	inJSON, err := messageWording(text, allWords)
	if err != nil {
		t.Fatal(err)
	}
	inURL, err := urlWording("/login?ip={by_ip}#out")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := &details{byIP: rapid.String().Draw(t, "ip"), byDevice: rapid.String().Draw(t, "device")}
		var got struct{ Type, IP, Device string }
		if err := json.Unmarshal([]byte(inJSON.fill(d)), &got); err != nil || got.Type != "out" || got.IP != d.byIP || got.Device != d.byDevice {
			t.Fatalf("%+v became %+v, %v", d, got, err)
		}
		u, err := url.Parse(inURL.fill(d))
		if err != nil || u.Path != "/login" || u.Fragment != "out" || u.Query().Get("ip") != d.byIP {
			t.Fatalf("%q became %v, %v", d.byIP, u, err)
		}
	})
}

func FuzzWording(f *testing.F) {
	for _, seed := range []string{"loginOut", "{reason}", `{"a":"{at}"}`, "{", "}{", "{{reason}}", "[{at}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := messageWording(text, allWords)
		if err != nil {
			return
		}
		filled := w.fill(&details{reason: "displaced"})
		if w.fixed() && filled != text {
			t.Errorf("%q became %q", text, filled)
		}
		if w.isJSON() && !json.Valid([]byte(filled)) {
			t.Errorf("%q became %q, which is no JSON", text, filled)
		}
	})
}

// A text that is the same for everybody is one encoded frame, and costs a farewell
// nothing.
func TestFixedNoticeIsOneFrame(t *testing.T) { //nolint:paralleltest // counts allocations
	n, err := newNotices(Messages{}, say(wire.TextFrame))
	if err != nil {
		t.Fatal(err)
	}
	v := &deadVerdict
	if got := testing.AllocsPerRun(100, func() { _ = n.farewell(v, false) }); got != 0 {
		t.Errorf("%v allocations a farewell", got)
	}
}
