package gate

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

const (
	// deniedFor is how long a denial serves without asking Redis: the requests of a
	// page that was denied would each claim.
	deniedFor    = 2 * time.Second
	deniedLogins = 4096
)

// denial is a login that found no seat: the oldest win, and hold all of them. It is
// an error of judging a request.
type denial struct {
	account string
	holders []session.Holder
	ticket  string
}

func (*denial) Error() string { return "gate: login denied, the account is in use" }

func denialOf(res *session.Result) *denial {
	return &denial{account: res.Login.Account, holders: res.Holders, ticket: res.Ticket}
}

// denials are those of the last two seconds, by token, of accounts of which no login
// has ended since. Only those of plain requests are kept: the ticket of an observed
// login, or of a socket, is for a browser whose device cookie is on its way, and may
// never come back. Safe for concurrent use.
type denials struct {
	kept *lru.Cache[token.Fingerprint, keptDenial]
	// freed is when a login of an account, by its hash, ended last.
	freed *lru.Cache[string, time.Time]
}

type keptDenial struct {
	*denial
	hash  string    // of the account
	asked time.Time // before Redis was
}

func newDenials() *denials {
	kept, err := lru.New[token.Fingerprint, keptDenial](deniedLogins)
	if err != nil {
		panic("gate: " + err.Error()) // the size is a positive constant
	}
	freed, err := lru.New[string, time.Time](deniedLogins)
	if err != nil {
		panic("gate: " + err.Error())
	}
	return &denials{kept: kept, freed: freed}
}

func (d *denials) get(fp token.Fingerprint) (*denial, bool) {
	v, ok := d.kept.Get(fp)
	if !ok || time.Since(v.asked) > deniedFor {
		return nil, false
	}
	if at, ok := d.freed.Peek(v.hash); ok && !at.Before(v.asked) {
		return nil, false
	}
	return v.denial, true
}

func (d *denials) add(fp token.Fingerprint, v keptDenial) { d.kept.Add(fp, v) }
func (d *denials) remove(fp token.Fingerprint)            { d.kept.Remove(fp) }

// free notes that a login of an account has ended: its seat may be another's now.
func (d *denials) free(hash string) { d.freed.Add(hash, time.Now()) }

// holder is a session.Holder as a page gets it.
type holder struct {
	IP     string    `json:"ip,omitempty"`
	Device string    `json:"device,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Seen   time.Time `json:"seen,omitzero"`
}

// deny answers a request of a denied login: 409, with who holds the account and the
// ticket by which this login may take it over.
func (s *Site) deny(w http.ResponseWriter, r *http.Request, d *denial) {
	s.setUser(r, d.account)
	s.rejectHeaders(w.Header(), r)
	body := struct {
		Error    string   `json:"error"`
		Message  string   `json:"message"`
		Holders  []holder `json:"holders"`
		Takeover string   `json:"takeover,omitempty"`
	}{Error: "login_denied", Message: reasonText["denied"], Holders: []holder{}, Takeover: d.ticket}
	for _, h := range d.holders {
		body.Holders = append(body.Holders, holder{h.IP, h.Device, h.Since.UTC(), h.Seen.UTC()})
	}
	b, _ := json.Marshal(body) // of strings and times
	write(w, r, http.StatusConflict, jsonType, string(b))
}

// farewell closes a socket of a denied login, and says by whom if there is room.
func (d *denial) farewell() farewell {
	reason := []string{"in use"}
	if len(d.holders) > 0 {
		h := d.holders[0]
		if h.Device != "" {
			reason = append(reason, "on "+h.Device)
		}
		if h.IP != "" {
			reason = append(reason, "from "+h.IP)
		}
		if !h.Since.IsZero() {
			reason = append(reason, "since "+h.Since.UTC().Format(time.RFC3339))
		}
	}
	return farewell{code: wire.CloseDenied, reason: strings.Join(reason, " ")}
}

func asDenial(err error) (*denial, bool) { return errors.AsType[*denial](err) }
