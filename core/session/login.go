package session

import (
	"strconv"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// Identity names a login: see IdentityOf.
type Identity = token.Fingerprint

// IdentityOf names the login of an account that a token belongs to. Where the
// backend gives a session id that is what names it; else the token does, and of
// a JWT its signed part. The account is part of the name: two accounts in one
// backend session are two logins.
func IdentityOf(k *token.Key, account, sessionID string, t token.Token) Identity {
	domain, id := "session", sessionID
	if sessionID == "" {
		domain, id = "login", t.SignedPart()
	}
	return k.Label(domain, strconv.Itoa(len(account))+":"+account+id)
}

// Login is a login as a node knows it.
type Login struct {
	// Account is the subject that the backend names: any bytes, at most 64 KiB.
	Account string
	// Name is what people call the account, for lists. "": its name is Account.
	// Kept to 256 bytes, as is Dept, where people look for it.
	Name, Dept string
	// Identity is what IdentityOf yields, or for a refreshed token that of the
	// login it belongs to: after a claim, use the one of the Result.
	Identity Identity
	// Token is the fingerprint of the token by which the login was last seen.
	Token token.Fingerprint
	// Browser is equal for two requests of one browser. "": not known.
	Browser string
	// Device is the class of device. "": not known.
	Device string
	// IP and UserAgent are those of the request that claimed. Kept to 256 bytes.
	IP, UserAgent string
	// LoginTime is when the backend says that the login happened. Zero: unknown.
	LoginTime time.Time
	// Expires is when the token ends. Zero: unknown, or put off by every use.
	Expires time.Time

	// Exempt: the login takes no seat. It displaces nobody and is displaced by
	// nobody, but it is listed and can be ended.
	Exempt bool

	// SID, Epoch and Seq are given at admission. Seq is 0 while a login is
	// unclaimed: accepted while Redis was down.
	SID   string
	Epoch string
	Seq   int64

	raw string // the entry in Redis, of a Kept: whole reads it
}

// Claim is a login that wants to be live.
type Claim struct {
	Login
	// Observed: seen in the backend's own answer to a login request. It begins a
	// new generation of a dead identity.
	Observed bool
	// Predecessor is the token that was refreshed into this one. Zero: none.
	Predecessor token.Fingerprint
	// Unmet: a Lookup for the same request has just found nothing about the token, so
	// that Claim need not ask again.
	Unmet bool
	// Vacant: only a free seat will do, since nobody saw this login begin; else it
	// is told that it was displaced. For backends that hand all logins of an account
	// the same token.
	Vacant bool
	// Takeover is the ticket of an earlier Result, by which a login that was denied
	// displaces after all. "": none.
	Takeover string
	// ByDevice: the client can only be known by its device, since there is no
	// session id, and every login is observed. Then a token that nobody saw being
	// issued, from a browser whose login the holder displaced, is that login
	// refreshed and stays dead. Without it such a token is a new login.
	ByDevice bool
}

// entry is a live login in Redis; lua/common.lua has what the names mean.
type entry struct {
	SID       string `json:"s"`
	Epoch     string `json:"e,omitempty"`
	Seq       string `json:"q,omitempty"`
	Token     string `json:"t,omitempty"`
	Browser   string `json:"b,omitempty"`
	Device    string `json:"d,omitempty"`
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"ua,omitempty"`
	LoginTime string `json:"lt,omitempty"`
	Expires   string `json:"x,omitempty"`
	Admitted  string `json:"a,omitempty"`
	Seen      string `json:"l,omitempty"`
	Exempt    string `json:"ex,omitempty"`
	Name      string `json:"un,omitempty"`
	Dept      string `json:"dp,omitempty"`
}

// maxText bounds the texts of a client that are kept with its login.
const maxText = 256

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func entryOf(l *Login) entry {
	e := entry{
		SID: l.SID, Epoch: l.Epoch,
		Token: l.Token.String(), Browser: clip(l.Browser), Device: clip(l.Device),
		IP: clip(l.IP), UserAgent: clip(l.UserAgent), LoginTime: millis(l.LoginTime),
		Name: clip(l.Name), Dept: clip(l.Dept),
	}
	if l.Exempt {
		e.Exempt = "1"
	}
	if l.Seq > 0 {
		e.Seq = strconv.FormatInt(l.Seq, 10)
	}
	return e
}
