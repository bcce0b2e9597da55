package gate

import (
	"fmt"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/wire"
)

// notices are what a client is told before it is closed, or of lost messages.
type notices struct {
	displaced, kicked, expired, gap notice
}

// notice is one of them. The zero value says nothing.
type notice struct {
	words wording
	frame []byte // encoded, where it is the same for everybody
	// encode is how the protocol makes a frame of a text; nil says nothing.
	encode func(string) []byte
}

// defaultFarewell is the word that pages of this kind listen for.
const defaultFarewell = "loginOut"

// encoding is how a protocol makes a frame of a text: kind is which of the Messages
// it is.
type encoding func(kind, text string) []byte

// say is for a protocol where the kind makes no difference.
func say(frame func(string) []byte) encoding {
	return func(_, text string) []byte { return frame(text) }
}

func newNotices(m Messages, encode encoding) (notices, error) {
	var n notices
	for _, e := range []struct {
		to    *notice
		name  string
		text  *string
		def   string
		words []string
		// reason is set where no login's details are told.
		reason string
	}{
		{&n.displaced, "displaced", m.Displaced, defaultFarewell, allWords, ""},
		{&n.kicked, "kicked", m.Kicked, defaultFarewell, endWords, ""},
		{&n.expired, "expired", m.Expired, "", bareWords, "expired"},
		{&n.gap, "gap", m.Gap, "", bareWords, "gap"},
	} {
		text := e.def
		if e.text != nil {
			text = *e.text
		}
		if text == "" {
			continue
		}
		w, err := messageWording(text, e.words)
		if err != nil {
			return n, fmt.Errorf("gate: message %s: %w", e.name, err)
		}
		e.to.words = w
		e.to.encode = func(text string) []byte { return encode(e.name, text) }
		if w.fixed() || e.reason != "" {
			e.to.frame = e.to.encode(w.fill(&details{reason: e.reason}))
		}
	}
	return n, nil
}

// Validate says what is wrong with a text.
func (m Messages) Validate() error {
	_, err := newNotices(m, say(wire.TextFrame))
	return err
}

// about is the notice as a frame; nil says nothing.
func (n *notice) about(v *session.Verdict) []byte {
	if n.frame != nil || n.encode == nil {
		return n.frame
	}
	return n.encode(n.words.fill(detailsOf(v)))
}

// farewell is how a socket of a dead login is closed.
type farewell struct {
	code   wire.CloseCode
	reason string
	notice []byte
}

// farewell says how to close a socket whose login died. Silent is the case of a newer
// login in the same browser: a page that got the text would clear the new login's
// token, for tabs share their storage.
func (n *notices) farewell(v *session.Verdict, silent bool) farewell {
	switch {
	case silent:
		return farewell{code: wire.CloseSuperseded, reason: "superseded"}
	case v.Reason == session.ReasonKicked:
		return farewell{code: wire.CloseKicked, reason: "kicked", notice: n.kicked.about(v)}
	case v.Reason == session.ReasonLogout:
		return farewell{code: wire.CloseInactive, reason: "logged out", notice: n.expired.about(v)}
	case v.Reason == session.ReasonDenied:
		return farewell{code: wire.CloseDenied, reason: "denied"}
	default:
		return farewell{code: wire.CloseDisplaced, reason: "displaced", notice: n.displaced.about(v)}
	}
}

// ended says how to close a socket whose token is not active, or no more.
func (n *notices) ended(refreshable bool) farewell {
	if refreshable {
		return farewell{code: wire.CloseExpired, reason: "token expired", notice: n.expired.frame}
	}
	return farewell{code: wire.CloseInactive, reason: "token not active", notice: n.expired.frame}
}
