package session

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// Event tells of logins that ended.
type Event struct {
	// Account is a hash that stands for the account.
	Account string
	// Ended are the logins, each told of once. Their sockets are those with the
	// verdict's Identity and SID: another SID is another life of that identity,
	// which may be live.
	Ended []Verdict
}

// message is an event as it is published.
type message struct {
	Type    string        `json:"t"` // claim, revoke or restore
	Account string        `json:"a"`
	Deaths  []deathNotice `json:"d"`
	// Born is an identity of which a new generation began. "": none.
	Born string `json:"g"`
}

type deathNotice struct {
	Identity string `json:"i"`
	Raw      string `json:"raw"`
	Life     string `json:"life"`
	Silence  string `json:"silence"`
	Grace    string `json:"grace"`
}

// maxEvent bounds what is read of the control channel, in bytes: above any event, for
// one names no more logins than an account can have live, with all seats of all classes
// of device and all exempt ones some 6,000.
const maxEvent = 8 << 20

// HandleEvent takes in a message of EventChannel. Events may come twice, late,
// in any order or not at all.
func (r *Registry) HandleEvent(payload []byte) {
	if len(payload) > maxEvent {
		r.log.Warn("session event ignored: too long", "bytes", len(payload))
		return
	}
	if _, err := r.take(payload); err != nil {
		r.log.Warn("session event ignored", "error", err)
	}
}

// hear takes in the event that a script published: without waiting for it to
// come back, which it may never do.
func (r *Registry) hear(event string) []Verdict {
	if event == "" {
		return nil
	}
	deaths, err := r.take([]byte(event))
	if err != nil {
		r.log.Error("session event of our own can't be read", "error", err)
	}
	return deaths
}

// learn takes in what Redis said of a login, and returns what is now known of it. An end
// that is news is told of here: its event, should it come at all, will be news no more.
func (r *Registry) learn(account string, v *view, fp token.Fingerprint) *view {
	now, news := r.verdicts.learn(account, v, fp)
	if news && now.Status == Dead {
		r.onEvent(Event{Account: account, Ended: []Verdict{now.verdict()}})
	}
	return now
}

// take returns all deaths of an event, and tells of those that are news.
func (r *Registry) take(payload []byte) ([]Verdict, error) {
	var m message
	if err := json.Unmarshal(payload, &m); err != nil {
		return nil, fmt.Errorf("session: event: %w", err)
	}
	if len(m.Account) != hashLen {
		return nil, fmt.Errorf("session: event without an account")
	}
	now := time.Now()
	views := make([]*view, len(m.Deaths))
	for i, d := range m.Deaths {
		id, err := token.ParseFingerprint(d.Identity)
		if err != nil {
			return nil, fmt.Errorf("session: event: %w", err)
		}
		if views[i], err = deadView("", id, d.Raw, times{ms(d.Life), ms(d.Silence), ms(d.Grace)}, now); err != nil {
			return nil, err
		}
		// An event may be late, and a new life of the login have begun since: Redis is
		// asked before the verdict serves for long.
		if soon := now.Add(liveFor); !views[i].fresh.passed(soon) {
			views[i].fresh.set(soon)
		}
	}
	if m.Born != "" {
		id, err := token.ParseFingerprint(m.Born)
		if err != nil {
			return nil, fmt.Errorf("session: event: %w", err)
		}
		r.verdicts.reborn(id)
	}
	var all, fresh []Verdict
	for _, w := range views {
		known, news := r.verdicts.learn(m.Account, w, token.Fingerprint{})
		v := w.verdict()
		v.Account = known.Account
		all = append(all, v)
		if news {
			fresh = append(fresh, v)
		}
	}
	if len(fresh) > 0 {
		r.onEvent(Event{Account: m.Account, Ended: fresh})
	}
	return all, nil
}
