//go:build linux

package scenario

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profile fetches one from the server while the loop goes on, and returns where
// its end is told; nil where none was asked for or the server has none.
func (r *Rig) profile(kind string, length time.Duration) <-chan error {
	if r.Profile == "" || r.Server.Profiles == "" {
		return nil
	}
	r.profiles++
	url := r.Server.Profiles + "heap?gc=1"
	if kind == "cpu" {
		url = fmt.Sprintf("%sprofile?seconds=%d", r.Server.Profiles, max(1, int(length.Seconds())))
	}
	file := filepath.Join(r.Profile, fmt.Sprintf("%s-%s-%d.pprof", r.run, kind, r.profiles))
	done := make(chan error, 1)
	go func() { done <- download(url, file) }()
	return done
}

// wait serves the loop until a profile is written.
func (r *Rig) wait(done <-chan error) {
	if done == nil {
		return
	}
	ended := r.Loop.RunUntil(time.Minute, func() bool {
		select {
		case err := <-done:
			if err != nil {
				r.note("no profile: %v", err)
			}
			return true
		default:
			return false
		}
	})
	if !ended {
		r.note("no profile within a minute")
	}
}

func download(url, file string) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, res.Status)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, res.Body); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
