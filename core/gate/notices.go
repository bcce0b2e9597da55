package gate

import (
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/wire"
)

// notices are the encoded frames that tell a client why it is being closed.
// Nil means that nothing is said.
type notices struct {
	displaced, kicked, expired, gap []byte
}

// defaultFarewell is the word that pages of this kind listen for.
const defaultFarewell = "loginOut"

func newNotices(m Messages) notices {
	return notices{
		displaced: textFrame(m.Displaced, defaultFarewell),
		kicked:    textFrame(m.Kicked, defaultFarewell),
		expired:   textFrame(m.Expired, ""),
		gap:       textFrame(m.Gap, ""),
	}
}

func textFrame(s *string, def string) []byte {
	text := def
	if s != nil {
		text = *s
	}
	if text == "" {
		return nil
	}
	return wire.AppendFrame(nil, wire.OpText, []byte(text))
}

// farewell is how a socket of a dead login is closed.
type farewell struct {
	code   wire.CloseCode
	reason string
	notice []byte
}

// farewell says how to close a socket whose login died for a reason. Silent is
// the case of a newer login in the same browser: a page that got the text would
// clear the new login's token, for tabs share their storage.
func (n *notices) farewell(r session.Reason, silent bool) farewell {
	switch {
	case silent:
		return farewell{code: wire.CloseSuperseded, reason: "superseded"}
	case r == session.ReasonKicked:
		return farewell{code: wire.CloseKicked, reason: "kicked", notice: n.kicked}
	case r == session.ReasonLogout:
		return farewell{code: wire.CloseInactive, reason: "logged out", notice: n.expired}
	default:
		return farewell{code: wire.CloseDisplaced, reason: "displaced", notice: n.displaced}
	}
}

// ended says how to close a socket whose token is not active, or no more.
func (n *notices) ended(refreshable bool) farewell {
	if refreshable {
		return farewell{code: wire.CloseExpired, reason: "token expired", notice: n.expired}
	}
	return farewell{code: wire.CloseInactive, reason: "token not active", notice: n.expired}
}
