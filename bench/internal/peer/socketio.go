//go:build linux

package peer

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/bench/internal/publish"
	"github.com/wsgate/wsgate/bench/internal/stub"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

// socketIO is published to as @socket.io/redis-emitter does: a msgpack array on
// the Redis channel of a room.
func socketIO(e Env) (*Server, error) {
	dir := filepath.Join(e.Root, "bench", "peers", "socketio")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "socket.io")); err != nil {
		return nil, ErrMissing
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	auth := fmt.Sprintf("http://127.0.0.1:%d%s", e.StubPort, stub.AuthPath)
	p, err := spawn(e, port, []string{"NODE_ENV=production"}, "node", filepath.Join(dir, "server.js"),
		strconv.Itoa(port), strconv.Itoa(e.RedisPort), auth)
	if err != nil {
		return nil, err
	}
	node, _ := exec.Command("node", "--version").Output()
	return &Server{
		Port: port, process: p, Version: "4.8.4 on node " + strings.TrimSpace(string(node)),
		Dialect: swarm.Dialect{
			Request: func(dst []byte, _ int) []byte {
				return swarm.AppendUpgrade(dst, "/socket.io/?EIO=4&transport=websocket", "")
			},
			Offset: len(`42["m","`),
			Other: func(dst []byte, i int, m []byte) ([]byte, bool) {
				switch {
				case bytes.HasPrefix(m, []byte("0{")): // engine.io is open: connect to the namespace
					return swarm.AppendText(dst, fmt.Sprintf(`40{"token":%q,"own":"%d"}`, e.Token(i), i)), false
				case bytes.HasPrefix(m, []byte("40")):
					return nil, true
				case bytes.Equal(m, []byte("2")): // engine.io ping
					return swarm.AppendText(dst, "3"), false
				}
				return nil, false
			},
		},
		Publisher: func() (publish.Publisher, error) {
			return publish.NewRedis(e.Loop, e.RedisPort, socketIOChannel, socketIOPacket)
		},
	}, nil
}

func socketIORoom(dst []byte, target uint32) []byte {
	if target == swarm.Everyone {
		return append(dst, "all"...)
	}
	return strconv.AppendUint(dst, uint64(target), 10)
}

func socketIOChannel(dst []byte, target uint32, _ []byte) []byte {
	return append(socketIORoom(append(dst, "socket.io#/#"...), target), '#')
}

// socketIOPacket is ["emitter", {type: 2, data: ["m", payload], nsp: "/"},
// {rooms: [room], flags: {}, except: []}] in msgpack.
func socketIOPacket(dst []byte, target uint32, payload []byte) []byte {
	dst = append(dst, 0x93)
	dst = appendShort(dst, "emitter")
	dst = append(dst, 0x83)
	dst = append(appendShort(dst, "type"), 2)
	dst = append(appendShort(dst, "data"), 0x92)
	dst = appendShort(dst, "m")
	dst = append(dst, 0xd9, byte(len(payload)))
	dst = append(dst, payload...)
	dst = appendShort(appendShort(dst, "nsp"), "/")
	dst = append(dst, 0x83)
	dst = append(appendShort(dst, "rooms"), 0x91)
	var room [12]byte
	dst = appendShort(dst, string(socketIORoom(room[:0], target)))
	dst = append(appendShort(dst, "flags"), 0x80)
	return append(appendShort(dst, "except"), 0x90)
}

// appendShort appends a msgpack string of less than 32 bytes.
func appendShort(dst []byte, s string) []byte {
	return append(append(dst, 0xa0|byte(len(s))), s...)
}
