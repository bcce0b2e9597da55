package proctest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout is how long a process may take until it is ready. It is generous
// because a race-built Caddy on a busy machine needs seconds.
const startTimeout = 60 * time.Second

// process is one child and what it printed.
type process struct {
	cmd    *exec.Cmd
	output *output
	exited chan struct{}
}

// start runs cmd with its standard output and error collected in out.
func start(cmd *exec.Cmd, out *output) (*process, error) {
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = dieWithParent()
	// A grandchild that holds the pipe must not keep Wait from returning.
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, output: out, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// signal sends s; a process that has already ended is no error.
func (p *process) signal(tb testing.TB, s os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatalf("proctest: signal %v: %v", s, err)
	}
}

// kill sends SIGKILL, which also ends a stopped process, and waits for the exit.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop sends SIGTERM and waits; a process that ignores it for timeout is killed.
func (p *process) stop(timeout time.Duration) (clean bool) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return true
	case <-time.After(timeout):
		p.kill()
		return false
	}
}

// output collects what a process prints and lets others wait for a text in it.
// It is safe for concurrent use.
type output struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // closed and replaced by each Write
}

func newOutput() *output { return &output{grown: make(chan struct{})} }

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.grown)
	o.grown = make(chan struct{})
	return o.buf.Write(b)
}

// String returns everything printed so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// len is a mark for await: what is printed from now on lies behind it.
func (o *output) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Len()
}

// await waits until text is printed behind the mark from; false when p ends or
// ctx does before.
func (o *output) await(ctx context.Context, p *process, from int, text string) bool {
	for {
		o.mu.Lock()
		found := bytes.Contains(o.buf.Bytes()[from:], []byte(text))
		grown := o.grown
		o.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-grown:
		case <-p.exited:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
