package introspect

import (
	"sync"

	"github.com/wsgate/wsgate/core/token"
)

// flightKey is what a call depends on. A known account doesn't wait behind a
// call for an unknown one.
type flightKey struct {
	fp      token.Fingerprint
	variant variant
	known   bool
	claims  bool
}

// flight is one call and all who wait for it.
type flight struct {
	done      chan struct{}
	answer    Answer // set before done is closed
	forgotten bool   // guarded by flights.mu
}

// flights lets callers that ask the same share one call. It is singleflight, but
// for what that can't do: to forget every call of a token, so that an answer
// from before a logout or login is neither joined nor kept.
type flights struct {
	mu     sync.Mutex
	calls  map[flightKey]*flight
	closed bool
	wg     sync.WaitGroup
}

// join returns the call for k, or nil if closed. If there is none, it prepares
// one, and runs what prepare returned in a goroutine. keep is called with what it returned, unless the token was
// forgotten meanwhile, and under the lock: it must not wait.
func (f *flights) join(k flightKey, prepare func() func() Answer, keep func(Answer)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	if c, ok := f.calls[k]; ok {
		return c
	}
	if f.calls == nil {
		f.calls = map[flightKey]*flight{}
	}
	c := &flight{done: make(chan struct{})}
	fly := prepare()
	f.calls[k] = c
	f.wg.Go(func() {
		answer := fly()
		f.mu.Lock()
		defer f.mu.Unlock()
		if !c.forgotten {
			keep(answer)
			delete(f.calls, k)
		}
		c.answer = answer
		close(c.done)
	})
	return c
}

// forget ends the sharing of all calls of a token; after is called under the
// same lock. There are never more calls than places and waiters.
func (f *flights) forget(fp token.Fingerprint, after func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, c := range f.calls {
		if k.fp == fp {
			c.forgotten = true
			delete(f.calls, k)
		}
	}
	after()
}

// close lets no further call begin and waits for those under way.
func (f *flights) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.wg.Wait()
}
