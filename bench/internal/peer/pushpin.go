//go:build linux

package peer

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"text/template"

	"github.com/wsgate/wsgate/bench/internal/publish"
	"github.com/wsgate/wsgate/bench/internal/stub"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

//go:embed pushpin.conf
var pushpinConfig string

var pushpinTemplate = template.Must(template.New("pushpin.conf").Parse(pushpinConfig))

// pushpin speaks WebSocket-over-HTTP with the backend, which accepts and
// subscribes each socket, and takes messages by HTTP. Its message_rate is 0:
// with any other, its batch timer starts again at each message and nothing goes
// out until publishing pauses.
func pushpin(e Env) (*Server, error) {
	program, lib := debian(e, "usr/bin/pushpin"), debian(e, "usr/lib/pushpin")
	if program == "" || debian(e, "usr/bin/condure") == "" || debian(e, "usr/bin/zurl") == "" {
		return nil, ErrMissing
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	publishPort, err := freePort()
	if err != nil {
		return nil, err
	}
	var config bytes.Buffer
	err = pushpinTemplate.Execute(&config, map[string]any{
		"Dir": e.Dir, "Port": port, "Publish": publishPort, "Bin": filepath.Dir(program), "Lib": lib,
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(e.Dir, "pushpin.conf")
	if err := os.WriteFile(file, config.Bytes(), 0o644); err != nil {
		return nil, err
	}
	routes := fmt.Sprintf("* 127.0.0.1:%d,over_http\n", e.StubPort)
	if err := os.WriteFile(filepath.Join(e.Dir, "routes"), []byte(routes), 0o644); err != nil {
		return nil, err
	}
	env := append(libraries(e), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	p, err := spawn(e, port, env, program, "--config", file)
	if err != nil {
		return nil, err
	}
	return &Server{
		Port: port, process: p, Version: debianVersion("pushpin"), Most: 5000,
		Dialect: swarm.Dialect{Request: func(dst []byte, i int) []byte {
			return swarm.AppendUpgrade(dst, stub.GripPath+"?token="+e.Token(i), "")
		}},
		Publisher: func() (publish.Publisher, error) {
			return publish.NewHTTP(e.Loop, publishPort, publishConns, pushpinPublish)
		},
	}, nil
}

func pushpinPublish(dst []byte, target uint32, payload []byte) []byte {
	body := append([]byte(nil), `{"items":[{"channel":"`...)
	if target == swarm.Everyone {
		body = append(body, "all"...)
	} else {
		body = strconv.AppendUint(body, uint64(target), 10)
	}
	body = append(body, `","formats":{"ws-message":{"content":"`...)
	body = append(append(body, payload...), `"}}}]}`...)
	return appendPost(append(dst, "POST /publish/"...), "application/json", body)
}
