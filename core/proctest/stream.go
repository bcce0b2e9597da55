package proctest

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// Stream is an open event stream of a test.
type Stream struct {
	Response *http.Response

	tb     testing.TB
	events chan Event
	lastID string // of the last event that Next returned
	cancel context.CancelFunc
	ended  chan struct{}
	retry  int
}

// OpenStream opens one, which must be answered with 200; headers are name and value in
// turn. It is closed with the test.
func OpenStream(tb testing.TB, client *http.Client, url string, headers ...string) *Stream {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		tb.Fatalf("proctest: stream: %v", err)
	}
	if res.StatusCode != http.StatusOK {
		tb.Fatalf("proctest: stream: %s", res.Status)
	}
	s := &Stream{Response: res, tb: tb, events: make(chan Event, backlog), cancel: cancel, ended: make(chan struct{})}
	go s.read()
	tb.Cleanup(s.Close)
	return s
}

func (s *Stream) read() {
	defer close(s.ended)
	defer func() { _ = s.Response.Body.Close() }()
	r := NewEventReader(s.Response.Body)
	for {
		e, err := r.Next()
		if err != nil {
			s.retry = r.Retry
			return
		}
		s.events <- e
	}
}

// Close breaks the stream off.
func (s *Stream) Close() {
	s.cancel()
	for {
		select {
		case <-s.ended:
			return
		case <-s.events:
		}
	}
}

// LastID is the id of the last event that was taken: what EventSource would send when
// it comes back.
func (s *Stream) LastID() string { return s.lastID }

// Next returns the next event.
func (s *Stream) Next() Event {
	s.tb.Helper()
	select {
	case e := <-s.events:
		s.lastID = e.ID
		return e
	default:
	}
	select {
	case e := <-s.events:
		s.lastID = e.ID
		return e
	case <-s.ended:
		select {
		case e := <-s.events:
			s.lastID = e.ID
			return e
		default:
			s.tb.Fatal("proctest: the stream ended")
		}
	case <-time.After(patience):
		s.tb.Fatalf("proctest: no event came within %v", patience)
	}
	return Event{}
}

// Expect waits for one event, which must be the next; positions are passed over unless
// one is wanted.
func (s *Stream) Expect(name, data string) Event {
	s.tb.Helper()
	e := s.Next()
	for name != "position" && e.Name == "position" {
		e = s.Next()
	}
	if e.Name != name || e.Data != data {
		s.tb.Fatalf("proctest: expected event %q %.200q, got %q %.200q", name, data, e.Name, e.Data)
	}
	return e
}

// ExpectEnd waits for the end of the stream, before which nothing may come, and returns
// the reconnection time that it was told last, in milliseconds.
func (s *Stream) ExpectEnd() (retry int) {
	s.tb.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.tb.Fatalf("proctest: the stream did not end within %v", patience)
	}
	select {
	case e := <-s.events:
		s.tb.Fatalf("proctest: expected the end, got %+v", e)
	default:
	}
	return s.retry
}
