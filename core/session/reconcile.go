package session

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

// Local are the logins that have a socket on this node: the hub's.
type Local interface {
	// Logins yields each of them once. Its caller waits for Redis in between, so
	// it must hold no lock.
	Logins() iter.Seq[*Kept]
	// Admitted tells that a login is live, with the SID, Epoch and Seq that are to
	// be remembered with its sockets, and the Identity that they have now: old is
	// the one that they had.
	Admitted(old Identity, l Login)
	// Ended tells that a login is dead, whatever SID its sockets have. It may be
	// told twice, and must not block.
	Ended(id Identity, v Verdict)
}

// ReconcileEvery is how often every local login is checked.
const ReconcileEvery = 15 * time.Second

// In passes.
const (
	touchEvery       = 8
	touchEveryOldest = 2
)

// reconcileTimeout bounds one pass.
const reconcileTimeout = 10 * time.Second

// Reconciler checks every local login against Redis, since events can be lost:
// every 15 s, and whenever Kick is called.
type Reconciler struct {
	reg   *Registry
	local Local
	log   *slog.Logger
	every time.Duration
	kick  chan struct{}
	// failing keeps a long outage from being logged at every pass. Only Run's
	// goroutine uses it.
	failing bool
	// turn counts the passes.
	turn int
	// unclaimed are the logins that a pass has found never to have been claimed.
	unclaimed []*Kept
}

// NewReconciler makes a Reconciler with an interval; 0 means ReconcileEvery.
func NewReconciler(reg *Registry, local Local, every time.Duration) *Reconciler {
	if every <= 0 {
		every = ReconcileEvery
	}
	return &Reconciler{reg: reg, local: local, log: reg.log, every: every, kick: make(chan struct{}, 1)}
}

// Kick asks for a pass at once: after each resubscribe, and where a socket was
// accepted unclaimed. It never blocks, and many calls may make one pass.
func (c *Reconciler) Kick() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// Run makes passes until ctx ends.
func (c *Reconciler) Run(ctx context.Context) {
	// Nodes that were started together should not ask together.
	t := time.NewTimer(rand.N(c.every))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.kick:
		case <-t.C:
			t.Reset(c.every)
		}
		c.pass(ctx)
	}
}

func (c *Reconciler) pass(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reconcileTimeout)
	defer cancel()
	err := c.Pass(ctx)
	if (err != nil) != c.failing {
		c.failing = err != nil
		if c.failing {
			c.log.Warn("logins can't be checked", "error", err)
		} else {
			c.log.Info("logins are being checked again")
		}
	}
}

// Pass checks every local login once. It stops at the first error: the next pass
// checks all again.
//
// Most passes only look whether a live login's entry is the one that this node knows,
// which costs a fifth of a Touch, here and in Redis; what is not is touched. So a login
// with a socket is seen every 2 minutes, and where holders have a lease, well within
// it: every 30 s.
func (c *Reconciler) Pass(ctx context.Context) error {
	c.turn++
	every := touchEvery
	if c.reg.policy.oldest {
		every = touchEveryOldest
	}
	check := c.touch
	if c.turn%every != 1 {
		check = c.look
	}
	c.unclaimed = nil
	// In batches, for all of them together would be a large part of the memory.
	batch := make([]*Kept, 0, touchBatch)
	for k := range c.local.Logins() {
		if batch = append(batch, k); len(batch) < touchBatch {
			continue
		}
		if err := check(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	if err := check(ctx, batch); err != nil {
		return err
	}
	return c.claim(ctx)
}

func (c *Reconciler) look(ctx context.Context, batch []*Kept) error {
	changed, err := c.reg.changed(ctx, batch)
	if err != nil {
		return err
	}
	return c.touch(ctx, changed)
}

func (c *Reconciler) touch(ctx context.Context, batch []*Kept) error {
	logins, kept := make([]Login, 0, len(batch)), batch[:0]
	for _, k := range batch {
		l := k.Login()
		if usable(l.Account) != nil {
			continue // can't be claimed, and would fail its whole batch
		}
		logins, kept = append(logins, l), append(kept, k)
	}
	vs, err := c.reg.Touch(ctx, logins)
	if err != nil {
		return err
	}
	for i, v := range vs {
		if v.Status == Unknown {
			c.unclaimed = append(c.unclaimed, kept[i])
			continue
		}
		c.tell(logins[i], v)
	}
	return nil
}

// claim claims what was accepted while Redis was down, in the order in which it was:
// of two logins of an account the newer one wins.
func (c *Reconciler) claim(ctx context.Context) error {
	slices.SortFunc(c.unclaimed, func(a, b *Kept) int { return cmp.Compare(a.order(), b.order()) })
	for _, k := range c.unclaimed {
		l := k.Login()
		res, err := c.reg.Claim(ctx, Claim{Login: l.whole()})
		if errors.Is(err, ErrTooManyClaims) {
			continue // of its own account: the others must not wait for it
		}
		if err != nil {
			return err
		}
		c.tell(l, res.Verdict())
	}
	return nil
}

// tell tells what has become of a login.
func (c *Reconciler) tell(l Login, v Verdict) {
	switch v.Status {
	case Dead:
		c.local.Ended(l.Identity, v)
	case Live:
		if v.SID != l.SID || v.Identity != l.Identity {
			old := l.Identity
			v.apply(&l)
			c.local.Admitted(old, l)
		}
	case Unknown: // denied
		c.local.Ended(l.Identity, Verdict{Status: Dead, Account: l.Account, Identity: l.Identity, Reason: ReasonDenied})
	}
}
