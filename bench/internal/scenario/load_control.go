//go:build linux

package scenario

// atRate publishes to everyone so that so many deliveries a second happen, and
// measures. Each message carries the time it was due, not when the generator
// got round to it, so that a stall counts as latency.
func (r *Rig) atRate(deliveries float64) sample {
	every := int64(float64(r.Swarm.Len()) / deliveries * 1e9)
	next := r.Loop.Clock() + every
	return r.measure(func(now int64) {
		for ; next <= now; next += every {
			r.sendShared(next)
		}
	})
}

// saturated keeps so many broadcasts not yet fully delivered.
func (r *Rig) saturated(outstanding int) sample {
	n := uint64(r.Swarm.Len())
	return r.measure(func(now int64) {
		for r.due < r.Swarm.Delivered()+uint64(outstanding-1)*n+1 {
			r.sendShared(now)
		}
	})
}

// ownSaturated keeps so many messages to own channels, one socket after the
// other, not yet delivered.
func (r *Rig) ownSaturated(outstanding int) sample {
	i := 0
	return r.measure(func(now int64) {
		for r.due < r.Swarm.Delivered()+uint64(outstanding) {
			if i++; i >= len(r.nextOwn) {
				i = 0
			}
			if r.Swarm.Ready(i) {
				r.sendOwn(i, now)
			}
		}
	})
}

// measure runs a load through its warm-up and its measured time, and then lets
// all of it arrive.
func (r *Rig) measure(load func(now int64)) sample {
	r.Loop.Tick = func(now int64) {
		load(now)
		r.publisher.Flush()
	}
	r.Loop.RunFor(r.Warm)
	m := r.start()
	profiled := r.profile("cpu", r.Length)
	r.Loop.RunFor(r.Length)
	s := r.stop(m)
	r.wait(profiled)
	s.latency = r.Swarm.Stats.Latency
	r.drain()
	return s
}
