package gate

import (
	"bytes"
	"maps"
	"net/http"

	"github.com/wsgate/wsgate/core/expr"
)

// maxObserved bounds how much of an answer (or of a refresh request) is held
// back to find a token in it. A longer answer goes through unread.
const maxObserved = 1 << 20

// capture holds an answer back until release, so that a login takes effect
// before its owner learns of it. It offers no Unwrap on purpose: whoever
// flushed or hijacked around it would send the answer early.
type capture struct {
	w       http.ResponseWriter
	before  http.Header // what w's was
	status  int
	body    bytes.Buffer
	through bool // longer than maxObserved, or released
}

func (c *capture) Header() http.Header { return c.w.Header() }

func (c *capture) WriteHeader(status int) {
	switch {
	case c.through, status < 200: // informational answers are not the answer
		c.w.WriteHeader(status)
	case c.status == 0:
		c.status = status
	}
}

func (c *capture) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	if !c.through && c.body.Len()+len(p) > maxObserved {
		c.release()
	}
	if c.through {
		return c.w.Write(p)
	}
	return c.body.Write(p)
}

// Flush does nothing while the answer is held back: a proxy flushes after
// every chunk, and a login's answer is short.
func (c *capture) Flush() {
	if c.through {
		_ = http.NewResponseController(c.w).Flush() // optional for a writer
	}
}

// whole says whether the answer was held back entirely.
func (c *capture) whole() bool { return !c.through && c.status != 0 }

// vars is the answer as expressions see it.
func (c *capture) vars() expr.Vars {
	body, err := expr.DecodeJSON(c.body.Bytes())
	if err != nil {
		body = nil // an expression over the headers may still hold
	}
	return expr.Vars{Status: c.status, Headers: c.w.Header(), Body: body}
}

// release sends what was held back.
func (c *capture) release() {
	if c.through || c.status == 0 {
		return
	}
	c.through = true
	c.w.WriteHeader(c.status)
	if c.body.Len() > 0 {
		_, _ = c.w.Write(c.body.Bytes()) //nolint:gosec // the backend's own answer, as it came; the client may have gone
	}
	c.body = bytes.Buffer{}
}

// drop forgets what was held back, headers as well: another answer takes its place.
func (c *capture) drop() {
	if c.through {
		return
	}
	c.through = true
	c.body = bytes.Buffer{}
	clear(c.w.Header())
	maps.Copy(c.w.Header(), c.before)
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the server's writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
