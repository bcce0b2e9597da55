package gate

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const (
	// streamBeat is how often a stream says that it lives where nothing happens.
	streamBeat = 15 * time.Second
	// streamWait is how long a reader may take to read what is written.
	streamWait = 10 * time.Second
)

// events answers GET events: what happened, and what happens from now on, as
// server-sent events or as JSON lines. A reader that stops reading is let go.
func (a Admin) events(w http.ResponseWriter, r *http.Request) error {
	q, err := onlyGet(w, r, "gate", "since", "follow")
	if err != nil {
		return err
	}
	g, err := a.gate(q.Get("gate"))
	if err != nil {
		return err
	}
	since := q.Get("since")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		since = last // a reconnect repeats the query
	}
	var after EventID
	if err := after.UnmarshalText([]byte(since)); err != nil {
		return err
	}
	follow, err := flagOf(q, "follow", true)
	if err != nil {
		return err
	}
	s := newEventStream(w, r)
	if !follow || r.Method == http.MethodHead {
		s.begin()
		if r.Method != http.MethodHead {
			s.send(g.Events(after)...)
		}
		return nil
	}
	past, reader, ok := g.ReadEvents(after)
	if !ok {
		return adminError{http.StatusServiceUnavailable, "as many as may be are reading events already, or the gate is closing"}
	}
	defer reader.Close()
	s.begin()
	if s.send(past...) {
		s.follow(r, reader)
	}
	return nil
}

// eventStream writes events to one reader. One goroutine uses it.
type eventStream struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	lines bool // JSON lines, else server-sent events
}

func newEventStream(w http.ResponseWriter, r *http.Request) *eventStream {
	return &eventStream{w: w, rc: http.NewResponseController(w), lines: !strings.Contains(r.Header.Get("Accept"), "text/event-stream")}
}

func (s *eventStream) begin() {
	mime := "text/event-stream"
	if s.lines {
		mime = "application/x-ndjson"
	}
	s.w.Header().Set("Content-Type", mime)
	s.w.Header().Set("X-Content-Type-Options", "nosniff")
	s.w.WriteHeader(http.StatusOK)
}

// follow ends with the reader's connection, or with the gate.
func (s *eventStream) follow(r *http.Request, from *AuditReader) {
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if !s.write([]byte(s.pulse())) {
				return
			}
		case e, open := <-from.Events():
			if !open || !s.send(e) {
				return
			}
		}
	}
}

// pulse is an empty line, or a comment (HTML standard, section 9.2.6).
func (s *eventStream) pulse() string {
	if s.lines {
		return "\n"
	}
	return ":\n\n"
}

// send writes events, and reports whether the reader is still there.
func (s *eventStream) send(events ...Event) bool {
	var b bytes.Buffer
	for i := range events {
		raw, err := json.Marshal(&events[i])
		if err != nil {
			return false // of strings and numbers: it can't be
		}
		if !s.lines {
			b.WriteString("id: " + events[i].ID.String() + "\nevent: " + string(events[i].Kind) + "\ndata: ")
		}
		b.Write(raw)
		b.WriteByte('\n')
		if !s.lines {
			b.WriteByte('\n')
		}
	}
	return s.write(b.Bytes())
}

func (s *eventStream) write(b []byte) bool {
	// A server that can't set deadlines has its own.
	_ = s.rc.SetWriteDeadline(time.Now().Add(streamWait))
	if _, err := s.w.Write(b); err != nil { //nolint:gosec // JSON, and marked as such
		return false
	}
	return s.rc.Flush() == nil
}
