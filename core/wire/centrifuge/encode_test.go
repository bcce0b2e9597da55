package centrifuge

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/centrifugal/protocol"
	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

func TestData(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]string{
		`{"t":21.5}`:                `{"t":21.5}`,
		` [1, 2] `:                  ` [1, 2] `,
		"{\n\t\"a\": \"b\\n\"\r\n}": "{ \t\"a\": \"b\\n\"\r }",
		`"quoted"`:                  `"quoted"`,
		"12345678901234567890":      "12345678901234567890",
		"null":                      "null",
		"":                          `""`,
		"loginOut":                  `"loginOut"`,
		`{"t":`:                     `"{\"t\":"`,
		"a\nb\x00c\t\\":             `"a\nb\u0000c\t\\"`,
		"退出":                        `"退出"`,
		"\xff\x00":                  `"/wA="`,
		`{"a":"` + "\xff" + `"}`:    `"eyJhIjoi/yJ9"`,
		"\ufeff{}":                  "\"\ufeff{}\"",
	} {
		if got := string(appendData(nil, []byte(payload))); got != want {
			t.Errorf("%q became %s, want %s", payload, got, want)
		}
	}
}

// Whatever is published, a client finds it in the push: a JSON value, or a string that
// is the text, or its base64.
func TestEveryPayloadArrives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.OneOf(
			rapid.SliceOf(rapid.Byte()),
			rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }),
			rapid.Map(rapid.StringMatching(`[\[{"\s\\,:}\]0-9a-z\n]*`), func(s string) []byte { return []byte(s) }),
		).Draw(t, "payload")
		channel := rapid.StringMatching(`[^\x00]{1,40}`).Draw(t, "channel")
		frame := Encoder{Channel: channel}.Append([]byte("before"), &hub.Message{Payload: payload})
		if n := wire.FrameLen(frame[6:]); n != len(frame)-6 || wire.Opcode(frame[6]&15) != wire.OpText {
			t.Fatalf("no single text frame: %x", frame)
		}
		text := frame[6+map[byte]int{126: 4, 127: 10}[frame[7]]:]
		if frame[7] < 126 {
			text = frame[8:]
		}
		if !utf8.Valid(text) || strings.ContainsRune(string(text), '\n') {
			t.Fatalf("not one line of UTF-8: %q", text)
		}
		var r protocol.Reply
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if r.Push.GetChannel() != channel {
			t.Fatalf("channel %q", r.Push.GetChannel())
		}
		got := r.Push.GetPub().GetData()
		if json.Valid(payload) && utf8.Valid(payload) {
			if want := strings.ReplaceAll(string(payload), "\n", " "); string(got) != strings.TrimSpace(want) {
				t.Fatalf("JSON %q became %q", want, got)
			}
			return
		}
		var s string
		if err := json.Unmarshal(got, &s); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		want := string(payload)
		if !utf8.Valid(payload) {
			want = base64.StdEncoding.EncodeToString(payload)
		}
		if s != want {
			t.Fatalf("got %q, want %q", s, want)
		}
	})
}

func TestDeflatedPushIsTheSame(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"text":"` + strings.Repeat("temperature ", 100) + `"}`)
	plain := Encoder{Channel: "c"}.Append(nil, &hub.Message{Payload: payload})
	short := Encoder{Channel: "c", Deflate: true}.Append(nil, &hub.Message{Payload: payload})
	if len(short) > len(plain)/4 || short[0] != 0xC1 {
		t.Errorf("%d bytes of %d, first byte %x", len(short), len(plain), short[0])
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, payload := range map[string]string{
		"json128":   `{"id":7,"text":"` + strings.Repeat("x", 110) + `"}`,
		"text128":   strings.Repeat("x", 128),
		"json4096":  `{"id":7,"text":"` + strings.Repeat("x", 4078) + `"}`,
		"binary128": strings.Repeat("\xff", 128),
	} {
		for format, suffix := range []string{"", "-protobuf"} {
			b.Run(name+suffix, func(b *testing.B) {
				b.ReportAllocs()
				e, m, dst := Encoder{Channel: "data_imei:860000000000001", Format: Format(format), Numbered: true}, &hub.Message{Payload: []byte(payload), Offset: 1 << 40}, make([]byte, 0, 8192)
				for b.Loop() {
					dst = e.Append(dst[:0], m)
				}
			})
		}
	}
}
