package app

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

const (
	// sessionLife is how long a login lives without a request.
	sessionLife = 30 * time.Minute
	// renewBelow is what must be left of it for a request not to renew it.
	renewBelow = 20 * time.Minute
	// maxSessions bounds the logins kept; beyond it the one that would expire
	// first makes room.
	maxSessions = 10_000
)

// A session is one login of an account.
type session struct {
	id        string
	user      *account
	ip        string
	loginTime time.Time
	expires   time.Time
}

// sessions holds the logins. Its methods may be called concurrently.
type sessions struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[string]session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, m: make(map[string]session)}
}

// open begins a login. Older logins of the account stay: this application has
// no rule against them.
func (s *sessions) open(u *account, ip string) session {
	now := s.now()
	v := session{id: newSessionID(), user: u, ip: ip, loginTime: now, expires: now.Add(sessionLife)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.m) >= maxSessions {
		s.makeRoom(now)
	}
	s.m[v.id] = v
	return v
}

// get finds a login and renews it where little of its life is left.
func (s *sessions) get(id string) (session, bool) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[id]
	if !ok {
		return session{}, false
	}
	left := v.expires.Sub(now)
	if left <= 0 {
		delete(s.m, id)
		return session{}, false
	}
	if left <= renewBelow {
		v.loginTime, v.expires = now, now.Add(sessionLife)
		s.m[id] = v
	}
	return v, true
}

func (s *sessions) close(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, id)
}

// makeRoom drops what has expired, or else the login nearest to it. It must be
// called with mu held.
func (s *sessions) makeRoom(now time.Time) {
	var first session
	for id, v := range s.m {
		if !v.expires.After(now) {
			delete(s.m, id)
			continue
		}
		if first.id == "" || v.expires.Before(first.expires) {
			first = v
		}
	}
	if len(s.m) >= maxSessions {
		delete(s.m, first.id)
	}
}

// newSessionID gives a random UUID (RFC 9562 version 4).
func newSessionID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its contract
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
