package peer

import (
	"testing"
	"testing/synctest"
	"time"
)

// Who was there when the link broke may have been there until it was back, and no longer:
// a node that has crashed is not taken for one that lives, however often the link breaks.
func TestFlappingLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &Peers{kept: newKept()}
		const resume = 10 * time.Second
		missing := func() bool { return p.Missing(Answers{}, resume) }
		flap := func(long time.Duration) {
			for began := time.Now(); time.Since(began) < long; {
				p.Down()
				time.Sleep(time.Second)
				p.Up()
				time.Sleep(time.Second)
			}
		}
		p.known.hear("crashed", time.Now())
		p.Down()
		time.Sleep(time.Minute)
		p.Up()
		time.Sleep(resume)
		if !missing() {
			t.Error("it may have crashed a moment before the link was back")
		}
		flap(time.Minute)
		if missing() {
			t.Error("it is still missed")
		}
		p.known.hear("lives", time.Now())
		flap(5 * time.Second)
		p.Down()
		time.Sleep(resume + 3*helloEvery)
		p.Up()
		if !missing() {
			t.Error("one that was heard just before is not missed")
		}
	})
}
