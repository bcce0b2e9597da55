package gate

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/session"
)

// ownLogin is a login as its account sees it from another.
type ownLogin struct {
	SID     string `json:"sid"`
	Current bool   `json:"current"`
	// IP is masked: an account may be several people's, or somebody else's by now.
	IP        string    `json:"ip"`
	Device    string    `json:"device"`
	Browser   string    `json:"browser"`
	OS        string    `json:"os"`
	Since     time.Time `json:"since"`
	Seen      time.Time `json:"seen"`
	LoginTime time.Time `json:"login_time,omitzero"`
}

// endedSIDs are the logins that a request ended.
type endedSIDs struct {
	Ended []string `json:"ended"`
}

// ownLogins serves the page of `sessions`: GET lists the caller's logins, DELETE ends
// all others, or one where its sid follows the path.
func (s *Site) ownLogins(p *page, w http.ResponseWriter, r *http.Request, by visitor, rest string) error {
	k := Kick{Account: by.account, By: by.sid, Reason: "by its account"}
	one := strings.TrimPrefix(rest, "/")
	switch {
	case one == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return s.listOwn(w, r, by)
	case rest == "/" && r.Method == http.MethodDelete:
		return refusedUnknown // a page that has lost the sid doesn't mean all others
	case one == "" && r.Method == http.MethodDelete:
		k.AllBut = by.sid
	case r.Method == http.MethodDelete:
		k.SID = one
	case one == "":
		return notAllowed("GET, DELETE")
	default:
		return notAllowed("DELETE")
	}
	ended, err := s.gate.Kick(r.Context(), k)
	if err != nil {
		return err
	}
	if k.SID != "" && len(ended) == 0 {
		return refusedUnknown
	}
	answer := endedSIDs{Ended: []string{}}
	for _, e := range ended {
		answer.Ended = append(answer.Ended, e.SID)
	}
	s.answer(w, r, answer)
	return nil
}

func (s *Site) listOwn(w http.ResponseWriter, r *http.Request, by visitor) error {
	infos, err := s.gate.shared.Load().registry.Logins(r.Context(), by.account)
	if err != nil {
		return err
	}
	slices.SortFunc(infos, func(a, b session.Info) int { return b.Since.Compare(a.Since) })
	answer := struct {
		Sessions []ownLogin `json:"sessions"`
	}{Sessions: []ownLogin{}}
	for i := range infos {
		in := &infos[i]
		answer.Sessions = append(answer.Sessions, ownLogin{
			SID: in.SID, Current: in.SID == by.sid,
			IP: session.MaskIP(in.IP), Device: in.Device, Browser: browserOf(in.UserAgent), OS: osOf(in.UserAgent),
			Since: in.Since.UTC(), Seen: in.Seen.UTC(), LoginTime: in.LoginTime.UTC(),
		})
	}
	s.answer(w, r, answer)
	return nil
}
