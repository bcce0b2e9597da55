package sse

import (
	"io"
	"slices"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/pubsub/history"
)

// Replay is what a client of a channel with a history gets before all else: what it
// missed, a gap where that is not known to be all, and where it is then.
type Replay struct {
	enc    Encoder
	at     hub.Place
	missed []hub.Message
	gap    bool
}

// Begin subscribes s, whose connection is yet to come, to a channel with a history.
// resumes says that the client was there before. The Replay has to be written before the
// connection is given.
func Begin(h *hub.Hub, s *hub.Socket, channel string, enc Encoder, from hub.From, resumes bool) *Replay {
	r := &Replay{enc: enc}
	h.SubscribeFrom(s, channel, enc, from, func(dst []byte, start *hub.Start) []byte {
		r.missed = slices.Clone(start.Missed)
		r.gap = resumes && !start.Recovered
		r.at = hub.Place{Channel: channel, Position: start.Position}
		return dst
	})
	return r
}

// chunk is about how many bytes are encoded at once.
const chunk = 16 << 10

// Write writes the replay to w. It stops where s is closed meanwhile: nothing of it
// should come then.
func (r *Replay) Write(w io.Writer, s *hub.Socket) error {
	var buf []byte
	for i := range r.missed {
		if s.Closed() {
			return nil
		}
		if buf = r.enc.Append(buf, &r.missed[i]); len(buf) >= chunk {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	if r.gap {
		buf, _ = r.enc.AppendGap(buf, &hub.Message{Channel: r.at.Channel, Epoch: r.at.Epoch, Offset: r.at.Offset})
	}
	if r.enc.ID && r.at.Position != (history.Position{}) {
		buf = r.enc.AppendMark(buf, []hub.Place{r.at})
	}
	_, err := w.Write(buf)
	return err
}
