//go:build linux

package peer

import (
	"bytes"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"text/template"

	"github.com/wsgate/wsgate/bench/internal/publish"
	"github.com/wsgate/wsgate/bench/internal/stub"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

//go:embed nchan.conf
var nchanConfig string

var nchanTemplate = template.Must(template.New("nginx.conf").Parse(nchanConfig))

// publishConns is how many publishing requests are under way at a time, where a
// server takes messages by HTTP only.
const publishConns = 16

// nchan subscribes by URL and takes messages by HTTP, since it reads nothing
// from Redis but its own format.
func nchan(e Env) (*Server, error) {
	nginx, module := debian(e, "usr/sbin/nginx"), debian(e, "usr/lib/nginx/modules/ngx_nchan_module.so")
	if nginx == "" || module == "" {
		return nil, ErrMissing
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	var config bytes.Buffer
	err = nchanTemplate.Execute(&config, map[string]any{
		"Module": module, "Port": port, "Redis": e.RedisPort, "Stub": e.StubPort, "AuthPath": stub.AuthPath,
		"Root": os.Geteuid() == 0,
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(e.Dir, "nginx.conf")
	if err := os.WriteFile(file, config.Bytes(), 0o644); err != nil {
		return nil, err
	}
	p, err := spawn(e, port, nil, nginx, "-p", e.Dir, "-c", file, "-e", filepath.Join(e.Dir, "error.log"))
	if err != nil {
		return nil, err
	}
	out, _ := exec.Command(nginx, "-v").CombinedOutput()
	return &Server{
		Port: port, process: p, Version: "nginx " + field(string(out), "nginx/") + ", Nchan " + debianVersion("libnginx-mod-nchan"),
		Dialect: swarm.Dialect{Request: func(dst []byte, i int) []byte {
			return swarm.AppendUpgrade(dst, "/sub?id="+strconv.Itoa(i)+"&token="+e.Token(i), "")
		}},
		Publisher: func() (publish.Publisher, error) {
			return publish.NewHTTP(e.Loop, port, publishConns, nchanPublish)
		},
	}, nil
}

func nchanPublish(dst []byte, target uint32, payload []byte) []byte {
	dst = append(dst, "POST /pub?id="...)
	if target == swarm.Everyone {
		dst = append(dst, "all"...)
	} else {
		dst = strconv.AppendUint(dst, uint64(target), 10)
	}
	return appendPost(dst, "text/plain", payload)
}

// appendPost completes a request whose method and target dst ends with.
func appendPost(dst []byte, contentType string, body []byte) []byte {
	dst = append(dst, " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "...)
	dst = append(dst, contentType...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}
