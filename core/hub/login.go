package hub

import (
	"iter"
	"time"

	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// addLogin and dropLogin must be called with Hub.mu held.
func (h *Hub) addLogin(s *Socket) {
	if s.meta.Login.IsZero() {
		return
	}
	if head := h.logins[s.meta.Login]; head != nil {
		s.next, head.prev = head, s
	}
	h.logins[s.meta.Login] = s
}

func (h *Hub) dropLogin(s *Socket) {
	if s.meta.Login.IsZero() {
		return
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	switch {
	case s.prev != nil:
		s.prev.next = s.next
	case s.next != nil:
		h.logins[s.meta.Login] = s.next
	default:
		delete(h.logins, s.meta.Login)
	}
	s.prev, s.next = nil, nil
}

// leave takes s out of every index, once; broke says that nobody closed it. It must
// be called with neither lock held.
func (h *Hub) leave(s *Socket, broke bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone {
		return
	}
	s.gone = true
	h.wheel.remove(s)
	for len(s.subs) > 0 {
		h.unsubscribe(s, len(s.subs)-1, broke)
	}
	s.subs = nil
	h.dropLogin(s)
	h.closing[s] = struct{}{}
}

// Admit tells whose a socket is that was attached with no login, for it was accepted
// before its token was known. From here on it is in the index of that login, unless
// it has begun to close.
func (s *Socket) Admit(login token.Fingerprint, account string, expires time.Time, user any) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone || !s.meta.Login.IsZero() {
		return
	}
	s.meta.Login, s.meta.Account, s.meta.Expires, s.meta.User = login, account, expires, user
	h.addLogin(s)
	h.wheel.expires(s, expires, time.Now())
}

// PerLogin is how many sockets of a login are open.
func (h *Hub) PerLogin(id token.Fingerprint) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.perLogin(id)
}

// perLogin must be called with Hub.mu held.
func (h *Hub) perLogin(id token.Fingerprint) int {
	n := 0
	for s := h.logins[id]; s != nil; s = s.next {
		n++
	}
	return n
}

// PerLogins is PerLogin for many logins at once.
func (h *Hub) PerLogins(ids []token.Fingerprint) []int {
	n := make([]int, len(ids))
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, id := range ids {
		n[i] = h.perLogin(id)
	}
	return n
}

// CloseLogin calls f for every socket of a login, outside the hub's lock. What f
// does is up to it: usually Socket.Close.
func (h *Hub) CloseLogin(id token.Fingerprint, f func(*Socket)) {
	h.mu.Lock()
	var all []*Socket
	for s := h.logins[id]; s != nil; s = s.next {
		all = append(all, s)
	}
	h.mu.Unlock()
	for _, s := range all {
		f(s)
	}
}

// Each calls f for every socket that has not begun to close, outside the hub's lock.
func (h *Hub) Each(f func(*Socket)) {
	h.mu.Lock()
	all := h.wheel.all(nil)
	h.mu.Unlock()
	for _, s := range all {
		f(s)
	}
}

// Logins yields every login that has a socket, and the Meta of one of its
// sockets. It works on a snapshot, outside the hub's lock.
func (h *Hub) Logins() iter.Seq2[token.Fingerprint, Meta] {
	return func(yield func(token.Fingerprint, Meta) bool) {
		h.mu.Lock()
		heads := make([]*Socket, 0, len(h.logins))
		for _, s := range h.logins {
			heads = append(heads, s)
		}
		h.mu.Unlock()
		for _, s := range heads {
			if m := s.Meta(); !yield(m.Login, m) {
				return
			}
		}
	}
}

// SetExpires changes when the socket's token ends; zero is never.
func (s *Socket) SetExpires(t time.Time) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.gone {
		return
	}
	s.hub.wheel.expires(s, t, time.Now())
}

// expire is the default of Options.OnExpire.
func expire(s *Socket) { s.Close(wire.CloseInactive, "token expired") }
