package gate

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// ErrNoLogins: the gate has `login off`, and keeps none.
var ErrNoLogins = errors.New("gate: login is off here, no logins are kept")

// Status is how a gate is on this node.
type Status struct {
	Name string `json:"name"`
	// RedisUp says that this node hears what is published.
	RedisUp bool `json:"redis_up"`
	// Sockets are the open ones and Logins those with a socket, of this node.
	Sockets int `json:"sockets"`
	Logins  int `json:"logins"`
	// Policy is newest, oldest or off, Limit how many logins an account may have,
	// and Fail what happens when they can't be verified.
	Policy string `json:"policy"`
	Limit  int    `json:"limit,omitempty"`
	Fail   string `json:"fail,omitempty"`
}

// Status is how the gate is now.
func (g *Gate) Status() Status {
	sh := g.shared.Load()
	s := Status{Name: g.name, RedisUp: g.Ready(), Sockets: g.hub.Count(), Policy: session.PolicyOff}
	for range g.hub.Logins() {
		s.Logins++
	}
	if sh.login {
		s.Policy = session.PolicyNewest
		if sh.cfg.Login.Policy != "" {
			s.Policy = sh.cfg.Login.Policy
		}
		s.Limit, s.Fail = max(sh.cfg.Login.Limit, 1), g.failMode()
	}
	return s
}

// LoginInfo is a live login as an administrator sees it.
type LoginInfo struct {
	// SID names the login.
	SID     string `json:"sid"`
	Account string `json:"account"`
	// Name is what the backend calls the account beside that, its first alias.
	Name string `json:"name,omitempty"`
	// Dept is its department, where AdminSessions yields one.
	Dept string `json:"dept,omitempty"`
	// IP, UserAgent and Device are those of the request that logged in, or was the
	// first that the gate saw.
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent"`
	Device    string `json:"device"`
	// Since is when it was admitted and Seen when it was last seen, to 30 s, or to
	// 2 minutes where it only keeps a socket open.
	Since time.Time `json:"since"`
	Seen  time.Time `json:"seen"`
	// LoginTime and Expires are what the backend says, if it does.
	LoginTime time.Time `json:"login_time,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Exempt    bool      `json:"exempt"`
	// Sockets are the open ones on all nodes, and Nodes those that have any.
	Sockets int `json:"sockets"`
	Nodes   int `json:"nodes"`
}

// LoginQuery says which logins to list.
type LoginQuery struct {
	// Account is whose. Default: all, paged.
	Account string
	// Online leaves out those without a socket. A page may then be empty, though
	// others follow.
	Online bool
	// Cursor is that of the page before. Default: the first page.
	Cursor string
	// Limit is about how many a page has, 1 to 1,000. Default: 100.
	Limit int
}

// LoginPage is some of the live logins.
type LoginPage struct {
	Logins []LoginInfo `json:"logins"`
	// Cursor leads to the next page; "" is the end.
	Cursor string `json:"cursor,omitempty"`
	// Complete says that all nodes have told of their sockets; else there may be
	// more of these.
	Complete bool `json:"complete"`
}

// Logins lists live logins, of all nodes. Errors: ErrNoLogins,
// session.ErrCursor, session.ErrAccount, and those of Redis.
func (g *Gate) Logins(ctx context.Context, q LoginQuery) (LoginPage, error) {
	sh := g.shared.Load()
	if !sh.login {
		return LoginPage{}, ErrNoLogins
	}
	var (
		infos []session.Info
		page  LoginPage
		err   error
	)
	if q.Account != "" {
		infos, err = sh.registry.Logins(ctx, q.Account)
	} else {
		if q.Limit == 0 {
			q.Limit = 100
		}
		infos, page.Cursor, err = sh.registry.List(ctx, q.Cursor, q.Limit)
	}
	if err != nil {
		return LoginPage{}, err
	}
	page.Logins, page.Complete = g.withSockets(ctx, infos)
	if q.Online {
		page.Logins = slices.DeleteFunc(page.Logins, func(l LoginInfo) bool { return l.Sockets == 0 })
	}
	slices.SortStableFunc(page.Logins, func(a, b LoginInfo) int { return b.Since.Compare(a.Since) })
	return page, nil
}

// withSockets adds the sockets of all nodes; complete says that all nodes told.
func (g *Gate) withSockets(ctx context.Context, infos []session.Info) (logins []LoginInfo, complete bool) {
	ids := make([]token.Fingerprint, len(infos))
	for i := range infos {
		ids[i] = infos[i].Identity
	}
	per, complete := g.socketsOf(ctx, ids)
	logins = make([]LoginInfo, len(infos))
	for i := range infos {
		logins[i] = infoOf(&infos[i], per[infos[i].Identity])
	}
	return logins, complete
}

func infoOf(in *session.Info, o online) LoginInfo {
	return LoginInfo{
		SID: in.SID, Account: in.Account, Name: in.Name, Dept: in.Dept, IP: in.IP, UserAgent: in.UserAgent, Device: in.Device,
		Since: in.Since.UTC(), Seen: in.Seen.UTC(), LoginTime: in.LoginTime.UTC(), Expires: in.Expires.UTC(),
		Exempt: in.Exempt, Sockets: o.sockets, Nodes: o.nodes,
	}
}
