//go:build linux

package peer

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/machine"
)

// startLimit is how long a server may take until it accepts connections.
const startLimit = 20 * time.Second

type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// spawn starts a program on the server's CPU, with its output in a file, and
// serves the loop until port accepts connections.
func spawn(e Env, port int, env []string, name string, args ...string) (*process, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = e.Dir
	// A group of its own, so that stop reaches workers; killed with the
	// harness, so that an interrupted run leaves nothing behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &process{cmd: cmd, log: filepath.Join(e.Dir, filepath.Base(name)+".log"), exited: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	if err := machine.OnCPU(e.CPU, cmd.Start); err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
			return nil, ErrMissing
		}
		return nil, err
	}
	go func() { _ = cmd.Wait(); close(p.exited) }()
	if err := p.waitPort(e.Loop, port); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) waitPort(l *eventloop.Loop, port int) error {
	up, ended := false, false
	var next int64
	l.RunUntil(startLimit, func() bool {
		select {
		case <-p.exited:
			ended = true
			return true
		default:
		}
		if now := l.Clock(); now >= next {
			next = now + int64(20*time.Millisecond)
			conn, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
			if err == nil {
				_ = conn.Close()
				up = true
			}
		}
		return up
	})
	switch {
	case up:
		return nil
	case ended:
		return fmt.Errorf("ended at once: %s", p.lastLine())
	default:
		return fmt.Errorf("accepted nothing within %v: %s", startLimit, p.lastLine())
	}
}

// lastLine of the log is usually the reason.
func (p *process) lastLine() string {
	b, _ := os.ReadFile(p.log)
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	last := lines[len(lines)-1]
	return string(last[:min(len(last), 300)])
}

// stop asks the whole group to end, and then makes it.
func (p *process) stop() {
	group := -p.pid()
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(500 * time.Millisecond):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.exited
}

// freePort is a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
