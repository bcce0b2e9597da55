package session

import (
	"context"
	"fmt"
	"testing"
)

func BenchmarkVerdictsGet(b *testing.B) {
	d := newVerdicts()
	for i := range 10_000 {
		d.learn(fmt.Sprint(i), viewOf(fp(i), Dead, "e", 1, "a"), fp(i))
	}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, ok := d.Get(fp(i % 10_000)); !ok {
				b.Fatal("miss")
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Get(fp(1 << 20))
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				d.Get(fp(i % 10_000))
			}
		})
	})
}

// BenchmarkRoundTrip is what the others of this file are to be compared with.
func BenchmarkRoundTrip(b *testing.B) {
	w := newWorld(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := w.rdb.Ping(ctx).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClaim(b *testing.B) {
	w := newWorld(b)
	n := w.node()
	ctx := context.Background()
	b.Run("displacing", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			// 300 claims each: an account has its bounds.
			c := Claim{Login: w.login(fmt.Sprint(b.N, " ", i/300), fmt.Sprint(i))}
			if res, err := n.Claim(ctx, c); err != nil || res.Outcome != OutcomeLive {
				b.Fatal(res.Outcome, err)
			}
		}
	})
	// Of a login that no node has met, as a socket's is: one round trip.
	b.Run("displacing, unmet", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c := Claim{Login: w.login(fmt.Sprint("unmet ", b.N, " ", i/300), fmt.Sprint(i)), Unmet: true}
			if res, err := n.Claim(ctx, c); err != nil || res.Outcome != OutcomeLive {
				b.Fatal(res.Outcome, err)
			}
		}
	})
	again := func(w *world, c Claim, want Outcome) func(b *testing.B) {
		return func(b *testing.B) {
			n := w.node()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%500 == 0 { // an account has its bounds
					hash, _ := n.keys.hash(c.Account)
					w.rdb.HSet(ctx, n.keys.account(hash)[0], "n", "0")
				}
				if res, err := n.Claim(ctx, c); err != nil || res.Outcome != want {
					b.Fatal(res.Outcome, err)
				}
			}
		}
	}
	n.claim(b, Claim{Login: w.login("again", "one")})
	b.Run("same", again(w, Claim{Login: w.login("again", "one")}, OutcomeSame))
	oldest := w.in("oldest").under(Options{Oldest: true})
	oldest.node().claim(b, Claim{Login: oldest.login("again", "one")})
	b.Run("denied", again(oldest, Claim{Login: oldest.login("again", "two")}, OutcomeDenied))
	b.Run("vacant", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c := Claim{Login: w.login(fmt.Sprint("vacant ", b.N, " ", i), "one")}
			if res, err := n.Claim(ctx, c); err != nil || res.Outcome != OutcomeLive {
				b.Fatal(res.Outcome, err)
			}
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	w := newWorld(b)
	n := w.node()
	l := n.claim(b, Claim{Login: w.login("bob", "one")}).Login
	b.ReportAllocs()
	for b.Loop() {
		n.lookup(b, l.Token)
	}
}

func BenchmarkReconcile(b *testing.B) {
	w := newWorld(b)
	n := w.node()
	for i := range 1000 {
		n.mustLive(b, Claim{Login: w.login(fmt.Sprint(i), "one")})
	}
	b.ReportAllocs()
	for b.Loop() {
		n.pass(b)
	}
}
