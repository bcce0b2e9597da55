package sse

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/wire"
)

// events reads a whole stream.
func events(t testing.TB, stream []byte) (*proctest.EventReader, []proctest.Event) {
	t.Helper()
	r := proctest.NewEventReader(bytes.NewReader(stream))
	var all []proctest.Event
	for {
		e, err := r.Next()
		if err != nil {
			return r, all
		}
		all = append(all, e)
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]proctest.Event{
		"":                       {Data: ""},
		"x":                      {Data: "x"},
		" x":                     {Data: " x"},
		":x":                     {Data: ":x"},
		"a\nb":                   {Data: "a\nb"},
		"a\n":                    {Data: "a\n"},
		"\n\n":                   {Data: "\n\n"},
		"a\rb\r\nc\n\rd":         {Data: "a\nb\nc\n\nd"},
		"id: 7\ndata: y\n\nz":    {Data: "id: 7\ndata: y\n\nz"},
		"\ufeff\x00 \u2028Grüße": {Data: "\ufeff\x00 \u2028Grüße"},
		`{"a": 1}`:               {Data: `{"a": 1}`},
		"\xff\x00\n":             {Name: "binary", Data: "/wAK"},
	} {
		_, got := events(t, Encoder{}.Append(nil, &hub.Message{Payload: []byte(payload), Epoch: "e", Offset: 1}))
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q arrives as %q, want %q", payload, got, want)
		}
		named := want
		named.Name = strings.TrimSpace(want.Name + " room:7")
		if _, got = events(t, Encoder{Name: "room:7"}.Append(nil, &hub.Message{Payload: []byte(payload)})); len(got) != 1 || got[0] != named {
			t.Errorf("%q arrives as %q, want %q", payload, got, named)
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	m := &hub.Message{Channel: "a", Payload: []byte("x"), Epoch: "Ep_-9", Offset: 41}
	r, got := events(t, Encoder{ID: true}.Append(nil, m))
	p, err := ParseID(r.LastID)
	if err != nil || p.Of("a") != (history.Position{Epoch: "Ep_-9", Offset: 41}) || len(got) != 1 {
		t.Errorf("id %q: %v, %v", r.LastID, p, err)
	}
	mark := Encoder{Marked: true}.AppendMark(nil, []hub.Place{
		{Channel: "a", Position: history.Position{Epoch: "x", Offset: 7}},
		{Channel: "none"},
		{Channel: "b", Position: history.Position{Epoch: "y", Offset: 1<<64 - 1}},
	})
	r, got = events(t, mark)
	p, err = ParseID(r.LastID)
	if err != nil || len(got) != 1 || got[0].Name != "position" || p.Ended || p.Of("a").Offset != 7 || p.Of("b") != (history.Position{Epoch: "y", Offset: 1<<64 - 1}) || p.Of("none").Epoch != "" || p.Of("c").Epoch != "" {
		t.Errorf("mark %q: %v, %v, events %v", mark, p, err, got)
	}
	if n := frameLen(mark); n != len(mark) {
		t.Errorf("a mark is %d bytes of %d", n, len(mark))
	}
	if b := (Encoder{}).AppendMark(nil, nil); len(b) != 0 {
		t.Errorf("a mark of nothing is %q", b)
	}
	if !(Encoder{Marked: true}).Marks() || (Encoder{ID: true}).Marks() {
		t.Error("the wrong encoder marks")
	}
	// Without a history there is no id.
	if r, _ := events(t, Encoder{ID: true}.Append(nil, &hub.Message{Payload: []byte("x")})); r.LastID != "" {
		t.Errorf("id %q", r.LastID)
	}
}

func TestGap(t *testing.T) {
	t.Parallel()
	m := &hub.Message{Channel: "a", Epoch: "new"}
	for enc, id := range map[Encoder]string{{Gap: "look again"}: "", {Gap: "look again", ID: true}: "new"} {
		b, stay := enc.AppendGap(nil, m)
		r, got := events(t, b)
		p, err := ParseID(r.LastID)
		if !stay || len(got) != 1 || got[0].Name != "gap" || got[0].Data != "look again" || err != nil || p.Of("a").Epoch != id {
			t.Errorf("%+v: %q, %v", enc, b, err)
		}
	}
	if b, stay := (Encoder{}).AppendGap(nil, m); !stay || len(b) > 0 {
		t.Errorf("nothing to tell: %q", b)
	}
}

func TestForeignIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"7", "a.b.1", "AAAAAAAA", "AAAAAAAA.e", "AAAAAAAA.e.", "AAAAAAAA.e.-1", "AAAAAAAA.e.1,", "AAAAAAAA..1",
		"AAAAAAAA.e.18446744073709551616", "AAAAAAA!.e.1", "AAAAAAAA.é.1", "end ", "AAAAAAAA.e.1.2",
		"AAAAAAAA." + strings.Repeat("e", 65) + ".1", strings.Repeat("AAAAAAAA.e.1,", 512) + "AAAAAAAA.e.1",
	} {
		if p, err := ParseID(id); !errors.Is(err, ErrID) {
			t.Errorf("%.40q: %v, %v", id, p, err)
		}
	}
	if p, err := ParseID(""); err != nil || p.Ended || p.Of("a").Epoch != "" {
		t.Errorf("no id: %v, %v", p, err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	for _, c := range wire.CloseCodes() {
		b := AppendClose(nil, c.Code, "why \"so\"\n")
		r, got := events(t, b)
		if len(got) != 1 || got[0].Name != "close" || frameLen(b) != len(b) {
			t.Fatalf("%d: %q", c.Code, b)
		}
		var f Farewell
		if err := json.Unmarshal([]byte(got[0].Data), &f); err != nil || f.Code != c.Code || f.Reason != "why \"so\"\n" || f.Reconnect != c.Code.Reconnect() {
			t.Errorf("%d: %q, %v", c.Code, got[0].Data, err)
		}
		p, err := ParseID(r.LastID)
		if err != nil || p.Ended == f.Reconnect || (r.Retry > 0) != f.Reconnect {
			t.Errorf("%d: id %q, retry %d", c.Code, r.LastID, r.Retry)
		}
	}
}

func TestFramesAreToldApart(t *testing.T) {
	t.Parallel()
	one := Encoder{}.Append(nil, &hub.Message{Payload: []byte("a\n\nb")})
	two := Event("gap", "x")
	if n := frameLen(append(bytes.Clone(one), two...)); n != len(one) {
		t.Errorf("%d bytes, want %d", n, len(one))
	}
	if n := frameLen(one[:len(one)-1]); n != 0 {
		t.Errorf("half an event has %d bytes", n)
	}
	if n := frameLen(Framing.Ping); n != len(Framing.Ping) {
		t.Errorf("a ping has %d bytes", n)
	}
	if r, got := events(t, Framing.Ping); len(got) != 0 || len(r.Comments) != 1 {
		t.Errorf("a ping is %q", got)
	}
	if CanName("") || CanName("a\nb") || CanName("a\rb") || !CanName("room 7") {
		t.Error("names")
	}
}

func FuzzPayload(f *testing.F) {
	f.Add("a\r\nb\n\xff")
	f.Add(": \n\nevent: close\n")
	f.Fuzz(func(t *testing.T, payload string) {
		b := Encoder{}.Append(nil, &hub.Message{Payload: []byte(payload)})
		if frameLen(b) != len(b) {
			t.Fatalf("%q is several frames", b)
		}
		_, got := events(t, b)
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(payload)
		if !utf8.ValidString(payload) {
			want = base64.StdEncoding.EncodeToString([]byte(payload))
		}
		if len(got) != 1 || got[0].Data != want {
			t.Fatalf("%q arrives as %q", payload, got)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add("AAAAAAAA.e.1,BBBBBBBB.f_-9.18446744073709551615")
	f.Add("end")
	f.Add(",..")
	f.Fuzz(func(t *testing.T, id string) {
		p, err := ParseID(id)
		if err != nil {
			if !errors.Is(err, ErrID) || len(p.at) > 0 {
				t.Fatalf("%v, %v", p, err)
			}
			return
		}
		var parts []string
		for _, a := range p.at {
			b := appendPlace(nil, "", a.Epoch, a.Offset)
			parts = append(parts, string(a.key[:])+string(b[keyLen:]))
		}
		// Leading zeros of an offset are all that may differ.
		q, err := ParseID(strings.Join(parts, ","))
		if err != nil || len(q.at) != len(p.at) {
			t.Fatalf("%q became %q: %v", id, parts, err)
		}
		for i := range q.at {
			if q.at[i] != p.at[i] {
				t.Fatalf("%v became %v", p.at[i], q.at[i])
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	m := &hub.Message{Channel: "data_imei:7", Payload: bytes.Repeat([]byte("x"), 128), Epoch: "Yk3bQx9A", Offset: 12345}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = Encoder{ID: true}.Append(dst[:0], m)
	}
}
