package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"
)

// The examples of RFC 6455 section 5.7, and the borders of section 5.2's lengths.
func TestAppendFrame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		op      Opcode
		payload string
		head    string
	}{
		{"hello", OpText, "Hello", "8105"},
		{"ping", OpPing, "Hello", "8905"},
		{"pong", OpPong, "Hello", "8a05"},
		{"empty", OpText, "", "8100"},
		{"125", OpBinary, strings.Repeat("x", 125), "827d"},
		{"126", OpBinary, strings.Repeat("x", 126), "827e007e"},
		{"256", OpBinary, strings.Repeat("x", 256), "827e0100"},
		{"65535", OpBinary, strings.Repeat("x", 65535), "827effff"},
		{"65536", OpBinary, strings.Repeat("x", 65536), "827f0000000000010000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			head, _ := hex.DecodeString(c.head)
			got := AppendFrame([]byte("before"), c.op, []byte(c.payload))
			want := "before" + string(head) + c.payload
			if string(got) != want {
				t.Errorf("got %x, want %x", got[:min(len(got), 20)], want[:min(len(want), 20)])
			}
			if n := FrameLen(got[6:]); n != len(head)+len(c.payload) {
				t.Errorf("FrameLen = %d", n)
			}
			if n := FrameLen(got[6 : len(got)-1]); len(c.payload) > 0 && n != 0 {
				t.Errorf("FrameLen of a part = %d, want 0", n)
			}
		})
	}
}

func TestControlFramesAreCut(t *testing.T) {
	t.Parallel()
	if f := AppendFrame(nil, OpPong, make([]byte, 200)); len(f) != 127 || f[1] != 125 {
		t.Errorf("a pong of %d bytes; RFC 6455 section 5.5 allows 127", len(f))
	}
}

func TestAppendTextChoosesTheType(t *testing.T) {
	t.Parallel()
	for payload, op := range map[string]Opcode{"": OpText, "loginOut": OpText, "退出": OpText, "\xff": OpBinary, "\xed\xa0\x80": OpBinary} {
		if f := AppendText(nil, []byte(payload)); Opcode(f[0]&15) != op || string(f[2:]) != payload {
			t.Errorf("%q became %x", payload, f)
		}
	}
}

func TestAppendClose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code   CloseCode
		reason string
		want   string
	}{
		{CloseDisplaced, "", "8802" + "1195"},
		{CloseSlowConsumer, "slow", "8806" + "0fa8" + hex.EncodeToString([]byte("slow"))},
		{CloseNoStatus, "never said", "8800"},
		{CloseAbnormal, "", "8800"},
		{0, "", "8800"},
		{CloseNormal, "a\xffb", "8807" + "03e8" + hex.EncodeToString([]byte("a\uFFFDb"))},
	} {
		if got := hex.EncodeToString(AppendClose(nil, c.code, c.reason)); got != c.want {
			t.Errorf("%v %q: %s, want %s", c.code, c.reason, got, c.want)
		}
	}
	long := AppendClose(nil, CloseKicked, strings.Repeat("界", 80))
	if len(long) != 2+2+123 || !utf8.Valid(long[4:]) {
		t.Errorf("a long reason is %d bytes, valid %v", len(long)-4, utf8.Valid(long[4:]))
	}
}

func TestCloseCodes(t *testing.T) {
	t.Parallel()
	last := CloseCode(0)
	for _, c := range CloseCodes() {
		if c.Code <= last {
			t.Errorf("%v is out of order", c.Code)
		}
		last = c.Code
		yes := strings.HasPrefix(c.Reconnect, "yes")
		if !yes && c.Reconnect != "no" {
			t.Errorf("%v: reconnect %q says neither yes nor no", c.Code, c.Reconnect)
		}
		if c.Code.Reconnect() != yes {
			t.Errorf("%v: Reconnect() = %v", c.Code, c.Code.Reconnect())
		}
		// The rule that clients go by where they don't know a code.
		if c.Code >= 4000 && yes != (c.Code < 4500) {
			t.Errorf("%v breaks the rule of 4000 to 4499 and 4500 to 4999", c.Code)
		}
	}
	if got := CloseDisplaced.String(); got != "4501 (displaced by a newer login)" {
		t.Errorf("String() = %q", got)
	}
	if got := CloseCode(4321).String(); got != "4321" {
		t.Errorf("String() of an unknown code = %q", got)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("Hello"), uint16(4501), "reason")
	f.Add(bytes.Repeat([]byte{0xff}, 126), uint16(0), "\xff\xfe")
	f.Fuzz(func(t *testing.T, payload []byte, code uint16, reason string) {
		frames := AppendText(nil, payload)
		first := len(frames)
		frames = AppendClose(frames, CloseCode(code), reason)
		if n := FrameLen(frames); n != first {
			t.Fatalf("first frame is %d long, FrameLen says %d", first, n)
		}
		last := frames[first:]
		if n := FrameLen(last); n != len(last) || n > 127 {
			t.Fatalf("close frame of %d, FrameLen says %d", len(last), n)
		}
		if len(last) > 2 && !utf8.Valid(last[4:]) {
			t.Fatalf("the reason %q is not UTF-8", last[4:])
		}
	})
}

func FuzzFrameLen(f *testing.F) {
	f.Add([]byte{0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := FrameLen(b); n < 0 || n > len(b) {
			t.Fatalf("%d of %d", n, len(b))
		}
	})
}

func FuzzCutText(f *testing.F) {
	f.Add("data_imei:界", 11)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = int(uint(n) % 300)
		got := cutText(s, n)
		if len(got) > n || !utf8.ValidString(got) {
			t.Fatalf("cutText(%q, %d) = %q", s, n, got)
		}
		if utf8.ValidString(s) && !strings.HasPrefix(s, got) {
			t.Fatalf("cutText(%q, %d) = %q is not its beginning", s, n, got)
		}
		if utf8.ValidString(s) && len(s) <= n && got != s {
			t.Fatalf("cutText changed %q, which fits", s)
		}
	})
}

func BenchmarkAppendText(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 128)
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendText(dst[:0], payload)
	}
}

func TestAppendTextAllocatesNothing(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 128)
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { dst = AppendText(dst[:0], payload) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBeginAndEndFrame(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
		text := strings.Repeat("x", n)
		got := EndFrame(append(BeginFrame([]byte("before")), text...), len("before"), OpText)
		if want := AppendFrame([]byte("before"), OpText, []byte(text)); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %.20x, want %.20x", n, got, want)
		}
	}
}
