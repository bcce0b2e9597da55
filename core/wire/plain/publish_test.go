package plain

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
)

func (rules) Publishes() bool { return true }

func (rules) AuthorizePublish(_ context.Context, m channel.Match, _ channel.User) error {
	if m.Redis == "data_imei:read" {
		return channel.ErrForbidden
	}
	return nil
}

func TestPublish(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Errors: true})
	p.send("data_imei:1")
	for _, c := range []struct{ send, want string }{
		{"publish data_imei:1 hello", "hello"},
		{"publish alias:1 {\"a b\":  1}\n", "{\"a b\":  1}\n"},
		{"publish data_imei:1 ", ""},
		{"publish data_imei:1  two", " two"},
		{"publish data_imei:1", "error:unknown_command publish data_imei:1"},
		{"publish ", "error:unknown_command publish "},
		{"publish", "error:unknown_command publish"},
		{"publish nothing secret", "error:unknown_command publish nothing"},
		{"publish data_imei:read secret", "error:forbidden publish data_imei:read"},
		{"publish data_imei:lost secret", "error:unavailable publish data_imei:lost"},
		{"publish msg:8 secret", "error:forbidden publish msg:8"},
	} {
		p.send(c.send)
		p.expect(c.want)
	}
	p.WriteMessage(websocket.BinaryMessage, []byte("publish data_imei:1 \xff\x00")) //nolint:errcheck // the answer tells
	if op, got, err := p.ReadMessage(); op != websocket.BinaryMessage || string(got) != "\xff\x00" {
		t.Errorf("got type %d %q, %v", op, got, err)
	}
}

// publishing is a Server's Publish that has only this hub's sockets to reach.
func (p *page) publishing(_ context.Context, _ *hub.Socket, ch string, payload []byte) error {
	if ch == "data_imei:lost" {
		return errors.New("redis is down")
	}
	p.publish(ch, string(payload))
	return nil
}

func FuzzCutPublish(f *testing.F) {
	f.Add("room:7 hello")
	f.Add("room:7")
	f.Add(" ")
	f.Add("a  b\r\n\x00\xff")
	f.Fuzz(func(t *testing.T, rest string) {
		p := []byte(channel.PublishCommand + rest)
		if !isPublish(p) {
			t.Fatalf("%q is no publish command", p)
		}
		command, payload, ok := cutPublish(p)
		if strings.Contains(command, " ") {
			t.Fatalf("%q has a space", command)
		}
		if again := []byte(channel.PublishCommand + command + " " + string(payload)); ok && !bytes.Equal(again, p) {
			t.Fatalf("%q became %q", p, again)
		}
	})
}
