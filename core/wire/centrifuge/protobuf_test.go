package centrifuge

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/centrifugal/protocol"
	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// replies takes a binary frame's payload apart.
func replies(t interface{ Fatalf(string, ...any) }, p []byte) (all []*protocol.Reply) {
	for len(p) > 0 {
		n, size := binary.Uvarint(p)
		if size <= 0 || n > uint64(len(p)-size) {
			t.Fatalf("no whole reply: %x", p)
		}
		r := &protocol.Reply{}
		if err := r.UnmarshalCF(p[size : size+int(n)]); err != nil { //nolint:gosec // just checked
			t.Fatalf("%x: %v", p, err)
		}
		all, p = append(all, r), p[size+int(n):] //nolint:gosec // as above
	}
	return all
}

// Whatever is published, a client finds it in the push, byte for byte.
func TestEveryPayloadArrivesInProtobuf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &hub.Message{
			Payload: bytes.Repeat(rapid.SliceOf(rapid.Byte()).Draw(t, "payload"), rapid.SampledFrom([]int{1, 1, 1, 500}).Draw(t, "times")),
			Offset:  rapid.SampledFrom([]uint64{0, 1, 127, 128, 1 << 40, 1<<64 - 1}).Draw(t, "offset"),
		}
		channel := rapid.StringN(1, 300, -1).Draw(t, "channel")
		frame := Encoder{Channel: channel, Format: Protobuf, Numbered: true}.Append([]byte("before"), m)[6:]
		if n := wire.FrameLen(frame); n != len(frame) || wire.Opcode(frame[0]&15) != wire.OpBinary {
			t.Fatalf("no single binary frame: %x", frame)
		}
		all := replies(t, frame[2+map[byte]int{126: 2, 127: 8}[frame[1]]:])
		if len(all) != 1 || all[0].Push.GetChannel() != channel {
			t.Fatalf("%v", all)
		}
		if p := all[0].Push.GetPub(); !bytes.Equal(p.GetData(), m.Payload) || p.GetOffset() != m.Offset {
			t.Fatalf("%v", p)
		}
	})
}

func TestProtobuf(t *testing.T) {
	t.Parallel()
	o := keeping(t)
	o.Format = Protobuf
	p := open(t, o)
	send := func(commands ...*protocol.Command) {
		var frame []byte
		for _, c := range commands {
			b, err := c.MarshalCF()
			if err != nil {
				t.Fatal(err)
			}
			frame = append(binary.AppendUvarint(frame, uint64(len(b))), b...)
		}
		if err := p.WriteMessage(websocket.BinaryMessage, frame); err != nil {
			t.Fatal(err)
		}
	}
	next := func() []*protocol.Reply {
		t.Helper()
		op, got, err := p.ReadMessage()
		if err != nil || op != websocket.BinaryMessage {
			t.Fatalf("type %d %q, %v", op, got, err)
		}
		return replies(t, got)
	}
	send(&protocol.Command{Id: 1, Connect: &protocol.ConnectRequest{Token: "t0ken"}},
		&protocol.Command{Id: 2, Subscribe: &protocol.SubscribeRequest{Channel: "h:1"}})
	if got := next(); len(got) != 2 || got[0].Connect.GetClient() == "" || got[1].Subscribe.GetEpoch() == "" {
		t.Fatalf("%v", got)
	}
	send(&protocol.Command{}, &protocol.Command{Id: 3, Presence: &protocol.PresenceRequest{Channel: "h:1"}})
	if got := next(); len(got) != 1 || got[0].Id != 3 || got[0].Error.GetCode() != 108 {
		t.Fatalf("%v", got)
	}
	p.publish("h:1", "\xff{")
	if got := next(); string(got[0].Push.GetPub().GetData()) != "\xff{" || got[0].Push.GetPub().GetOffset() != 1 {
		t.Fatalf("%v", got)
	}
	p.h.Gap([]string{"h:1"})
	p.h.Flush()
	if got := next(); got[0].Push.GetUnsubscribe().GetCode() != unsubscribeInsufficient || got[0].Push.GetChannel() != "h:1" {
		t.Fatalf("%v", got)
	}
	p.send(`{"id":4}`)
	if got := next(); got[0].Push.GetDisconnect().GetCode() != disconnectBadRequest {
		t.Fatalf("%v", got)
	}
	p.expectClose(1008, "JSON comes in text frames, and Protobuf in binary ones")
}
