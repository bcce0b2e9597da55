package gate

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/pubsub"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
	"github.com/wsgate/wsgate/core/wire/sse"
)

// liveWait is how long a stream may wait for its channels to be subscribed in Redis
// before it opens all the same; the client is told of a gap then, once they are.
const liveWait = time.Second

// serveStream answers what an sse path is for, a GET, and says whether it was that.
func (s *Site) serveStream(w http.ResponseWriter, r *http.Request, ep *endpoint, inPath string) bool {
	switch {
	case isPreflight(r) && s.origins.ok(r):
		s.preflight(w, r, http.MethodGet)
		return true
	case r.Method != http.MethodGet || wire.IsUpgrade(r):
		return false
	}
	if conn := s.stream(w, r, ep, inPath); conn != nil {
		conn.Wait()
	}
	return true
}

// stream turns a request into a stream of the login that its token belongs to, or
// answers it otherwise.
func (s *Site) stream(w http.ResponseWriter, r *http.Request, ep *endpoint, inPath string) *wire.Conn {
	if !s.origins.ok(r) || foreign(r) {
		s.fail(w, r, http.StatusForbidden, "forbidden_origin", "this origin may not open streams here")
		return nil
	}
	found, ticket, no := s.presents(r, inPath)
	if no != nil {
		s.refuse(w, r, no)
		return nil
	}
	if found.Token.IsZero() && ticket == "" {
		s.fail(w, r, http.StatusUnauthorized, "missing_token", "send a token")
		return nil
	}
	s.finder.StripQuery(r, true)
	token.StripPath(r, inPath)
	ask, err := readAsk(r, ep.stream.channels)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "bad_request", err.Error())
		return nil
	}
	seat, err := s.gate.seats.take(s.limits.Connections, s.limits.ConnectionsPerIP, s.opts.ClientIP(r))
	if err != nil {
		s.endStream(w, r, full(err), nil)
		return nil
	}
	defer seat.release() // a no-op once a stream has taken the seat over
	sh := s.gate.shared.Load()
	c := s.caller(sh, r)
	k := &knock{caller: c, site: s, sh: sh, ep: ep, seat: seat, after: c.browser}
	if sh.login && c.browser == "" {
		k.device, k.after = mint(sh, r, c.ip)
	}
	ctx, cancel := context.WithTimeout(r.Context(), resolveTimeout)
	defer cancel()
	if ticket != "" {
		if no := s.redeem(ctx, sh, ticket, &found); no != nil {
			s.refuse(w, r, no)
			return nil
		}
	}
	out := k.admit(ctx, found.Token)
	s.setUser(r, out.account)
	switch {
	case out.client != nil:
		return s.openStream(ctx, w, r, k, out, &ask)
	case out.refused == nil && ask.from.Ended && !out.bye.code.Reconnect():
		// EventSource comes back whatever it was told; this ends it.
		s.rejectHeaders(w.Header(), r)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.endStream(w, r, out, k.device)
	}
	return nil
}

// foreign says that another site's page sent the request without asking for leave to
// read the answer, as an image's: an EventSource of a foreign page has an Origin, and
// one of the site's own page none.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") == "" && (site == "cross-site" || site == "same-site")
}

// endStream answers with a stream of nothing but its end, or with a status. An
// EventSource gives up at any status but 200, so one that should come back is told in
// a stream when.
func (s *Site) endStream(w http.ResponseWriter, r *http.Request, out outcome, device *http.Cookie) {
	if no := out.refused; no != nil && (!out.bye.code.Reconnect() || !acceptsStream(r)) {
		s.fail(w, r, no.status, no.code, no.message)
		return
	}
	s.gate.metrics.closed(out.bye.code)
	s.streamHeaders(w, r, device)
	body := append(slices.Clone(out.bye.notice), sse.AppendClose(nil, out.bye.code, out.bye.reason)...)
	write(w, r, http.StatusOK, streamType, string(body))
}

const streamType = "text/event-stream"

func acceptsStream(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Accept"], func(v string) bool { return strings.Contains(v, streamType) })
}

// streamHeaders are those of every stream: no cache may keep it, no proxy may hold it
// back or pack it.
func (s *Site) streamHeaders(w http.ResponseWriter, r *http.Request, device *http.Cookie) {
	h := w.Header()
	s.rejectHeaders(h, r)
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("Content-Type", streamType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no")
	if device != nil {
		http.SetCookie(w, device)
	}
}

// openStream makes the stream and begins its subscriptions. It yields nil where it
// answered otherwise.
func (s *Site) openStream(ctx context.Context, w http.ResponseWriter, r *http.Request, k *knock, out outcome, ask *streamAsk) *wire.Conn {
	g, st, cl := s.gate, k.ep.stream, out.client
	granted, no := st.grant(ctx, ask, &cl.user)
	joins := st.joins.Channels(cl.user)
	granted, no = g.awaitLive(ctx, k.sh, granted, no, joins)
	defer g.releaseAll(granted, joins)
	if len(granted) == 0 && len(no) > 0 {
		s.endStream(w, r, verdictOf(no), k.device)
		return nil
	}
	conn := wire.NewStream()
	cl.shared = r.ProtoMajor > 1
	login := &out.login
	// As with a socket: into the local index first, then check. And before the client
	// sees the stream open, for it counts on what is published from then on.
	sock := g.hub.Attach(nil, hub.Meta{
		Login: login.Identity, Account: login.Account, IP: k.ip, Framing: k.ep.framing,
		Ping: k.ep.ping, Expires: out.expires, Queue: s.limits.Queue, User: cl, Reader: conn,
	})
	k.seat.handOver()
	conn.SetSink(sock)
	k.settle(sock, login)
	replays := g.listen(sock, st, granted, joins, ask)
	if !st.errors {
		no = nil
	}
	s.streamHeaders(w, r, k.device)
	err := conn.Open(w, r, wire.StreamOptions{Poller: g.poller, Silence: 2 * k.ep.ping, First: func(w io.Writer) error {
		return writeFirst(w, sock, no, replays)
	}})
	if err != nil {
		g.logger().Debug("stream lost as it began", "error", err)
		sock.Detach()
		k.seat.give()
		return nil
	}
	sock.Connect(conn.NetConn())
	sse.Serve(conn, sock, g.spawn, k.seat.give)
	return conn
}

// writeFirst writes what a stream begins with.
func writeFirst(w io.Writer, sock *hub.Socket, no []refused, replays []*sse.Replay) error {
	first := append(sse.AppendRetry(nil, 0), '\n')
	for _, f := range no {
		first = append(first, f.event()...)
	}
	if _, err := w.Write(first); err != nil {
		return err
	}
	for _, r := range replays {
		if err := r.Write(w, sock); err != nil {
			return err
		}
	}
	return nil
}

// awaitLive holds the channels, and waits until they are subscribed in Redis: a client
// that sees the stream open gets what is published from then on. releaseAll ends it.
func (g *Gate) awaitLive(ctx context.Context, sh *shared, granted []channel.Match, no []refused, joins []channel.Match) ([]channel.Match, []refused) {
	ctx, cancel := context.WithTimeout(ctx, liveWait)
	defer cancel()
	for i := range granted {
		g.hold(granted[i].Redis)
	}
	for i := range joins {
		g.hold(joins[i].Redis)
	}
	live := granted[:0]
	for _, m := range granted {
		if m.Redis != "" && sh.link.Ready() && errors.Is(sh.link.Await(ctx, m.Redis), pubsub.ErrRefused) {
			g.hub.Release(m.Redis)
			no = append(no, refused{codeUnavailable, m.Command})
			continue
		}
		live = append(live, m)
	}
	for i := range joins {
		if sh.link.Ready() {
			_ = sh.link.Await(ctx, joins[i].Redis) // nobody asked for it
		}
	}
	return live, no
}

func (g *Gate) hold(name string) {
	if name != "" {
		g.hub.Hold(name)
	}
}

func (g *Gate) releaseAll(granted, joins []channel.Match) {
	for _, all := range [][]channel.Match{granted, joins} {
		for i := range all {
			if name := all[i].Redis; name != "" {
				g.hub.Release(name)
			}
		}
	}
}

// listen subscribes a stream to its channels, each from where the client has got to.
func (g *Gate) listen(sock *hub.Socket, st *streamRules, granted, joins []channel.Match, ask *streamAsk) (replays []*sse.Replay) {
	all := slices.Clone(granted)
	for i := range joins {
		asked := slices.ContainsFunc(granted, func(m channel.Match) bool { return m.Redis == joins[i].Redis })
		if ask.named || !asked { // events with a name are others
			all = append(all, joins[i])
		}
	}
	kept := map[string]struct{}{}
	for i := range all {
		if m := &all[i]; m.Redis != "" && m.History().On() {
			kept[m.Redis] = struct{}{}
		}
	}
	by := time.Now().Add(hub.SettleWait)
	for i := range all {
		m := &all[i]
		if m.Redis == "" {
			continue // a watch that relays nothing
		}
		enc := sse.Encoder{Gap: st.gap}
		if ask.named {
			enc.Name = m.Command // a joined channel has none
		}
		if !m.History().On() {
			g.hub.Subscribe(sock, m.Redis, enc)
			continue
		}
		enc.ID, enc.Marked = len(kept) == 1, len(kept) > 1
		from := hub.From{Keep: m.History(), Since: ask.from.Of(m.Redis), Last: m.Last(), By: by}
		replays = append(replays, sse.Begin(g.hub, sock, m.Redis, enc, from, ask.lost || from.Since.Epoch != ""))
	}
	if len(kept) > 1 {
		g.hub.Mark(sock, sse.Encoder{Marked: true})
	}
	return replays
}

// EndShared ends the streams that the server itself would wait for when it stops:
// those of HTTP/2 and HTTP/3, whose handlers have not returned.
func (s *Site) EndShared() {
	g := s.gate
	g.hub.Each(func(sock *hub.Socket) {
		if cl, ok := sock.Meta().User.(*client); ok && cl.shared {
			g.bid(sock, farewell{code: wire.CloseGoingAway, reason: wire.CloseGoingAway.Meaning()})
		}
	})
}
