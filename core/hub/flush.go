package hub

import "slices"

// maxMerge is how many bytes of several channels are copied together into one
// write. More go out as one write per channel.
const maxMerge = 64 << 10

// keepLinks is how many links are kept for the next flush: 2 MiB of them.
const keepLinks = 1 << 18

// flusher is the working memory of Flush, of one goroutine at a time.
type flusher struct {
	raw     *rawWriter
	turn    uint64
	batches []batch
	work    []work
	links   []link
	merged  []byte
	upTo    uint64    // the newest event that is in batches
	later   []*Socket // are to be probed later
}

// batch is what one group sends: everything in frames to each of subs.
type batch struct {
	subs   []*Socket
	frames []byte
	count  int
	kept   bool // a socket keeps frames
	marker Marker
	// resumable says that sockets of subs are to confirm what they got.
	resumable bool
}

// work is what one socket gets: a list of links.
type work struct {
	s           *Socket
	first, last int32
}

// link is one batch of a socket's work.
type link struct {
	batch, next int32
}

// Flush writes what was broadcast since the last flush: one write for each socket,
// unless it has too much at once. It doesn't wait for slow sockets. Where another
// goroutine is flushing, that one does it.
func (h *Hub) Flush() {
	h.mu.Lock()
	if h.flushing {
		h.mu.Unlock()
		return
	}
	h.flushing = true
	f := &h.flush
	for len(h.dirty) > 0 || len(h.sealed) > 0 {
		f.take(h)
		h.room.Broadcast()
		h.mu.Unlock()
		f.write(&h.stats)
		h.written.Store(f.upTo)
		f.probe()
		h.mu.Lock()
		f.reset(h)
	}
	h.flushing = false
	h.mu.Unlock()
}

// seal makes what waits for a group a batch of its own, so that who joins the group
// now gets nothing of it, and what is put behind it comes later. It must be called with
// Hub.mu held.
func (h *Hub) seal(g *group) {
	if g.count == 0 {
		return
	}
	g.lent = true
	h.sealed = append(h.sealed, g.batch())
	g.out, g.count = h.buffers.get(), 0 // not nil: it stays in dirty
}

// batch is what waits for a group.
func (g *group) batch() batch {
	return batch{subs: slices.Clip(g.subs), frames: g.out, count: g.count, marker: g.marker, resumable: g.resumable}
}

// private has s get frames before whatever its groups get from now on. It must be
// called with Hub.mu held.
func (h *Hub) private(s *Socket, frames []byte) {
	h.sealed = append(h.sealed, batch{subs: []*Socket{s}, frames: frames, count: 1, resumable: s.progress.Load() != nil})
	h.pending += len(frames)
}

// awaitRoom waits while more than a flush's worth waits to be written, so that many
// sockets that are sent much at once don't all hold it in memory. It must be called
// with Hub.mu held, and by nobody that Flush waits for.
func (h *Hub) awaitRoom() {
	for h.pending > maxPending && !h.closed {
		if h.flushing {
			h.room.Wait()
			continue
		}
		h.mu.Unlock()
		h.Flush()
		h.mu.Lock()
	}
}

// take must be called with Hub.mu held.
func (f *flusher) take(h *Hub) {
	f.batches = append(f.batches, h.sealed...)
	clear(h.sealed)
	h.sealed = h.sealed[:0]
	for i, g := range h.dirty {
		h.dirty[i] = nil
		if g.count == 0 { // sealed
			h.buffers.put(g.out)
			g.out = nil
			continue
		}
		g.lent = true
		f.batches = append(f.batches, g.batch())
		g.out, g.count = nil, 0
	}
	f.mark(h)
	f.upTo = h.history.Now()
	h.dirty, h.pending = h.dirty[:0], 0
}

func (f *flusher) write(st *stats) {
	var deliveries, writes uint64
	for i := range f.batches {
		deliveries += uint64(f.batches[i].count * len(f.batches[i].subs)) //nolint:gosec // never negative
	}
	if len(f.batches) == 1 {
		b := &f.batches[0]
		for _, s := range b.subs {
			if s.deliver(f.raw, b.frames) {
				b.kept = true
			}
		}
		writes = uint64(len(b.subs))
	} else {
		f.gather()
		for i := range f.work {
			f.merge(&f.work[i])
		}
		writes = uint64(len(f.work))
	}
	st.deliveries.Add(deliveries)
	st.writes.Add(writes)
}

// gather turns batches of sockets into work per socket.
func (f *flusher) gather() {
	f.turn++
	for i := range f.batches {
		for _, s := range f.batches[i].subs {
			at := int32(len(f.links))                                  //nolint:gosec // bounded by maxPending and the sockets
			f.links = append(f.links, link{batch: int32(i), next: -1}) //nolint:gosec // as above
			if s.flushed != f.turn {
				s.flushed, s.work = f.turn, int32(len(f.work)) //nolint:gosec // as above
				f.work = append(f.work, work{s: s, first: at, last: at})
				continue
			}
			w := &f.work[s.work]
			f.links[w.last].next = at
			w.last = at
		}
	}
}

// merge writes all that one socket gets.
func (f *flusher) merge(w *work) {
	if w.first == w.last {
		b := &f.batches[f.links[w.first].batch]
		b.kept = w.s.deliver(f.raw, b.frames) || b.kept
		return
	}
	f.merged = f.merged[:0]
	for i := w.first; i >= 0; i = f.links[i].next {
		b := &f.batches[f.links[i].batch]
		if len(f.merged)+len(b.frames) > maxMerge {
			f.writeMerged(w.s)
		}
		if len(b.frames) > maxMerge {
			b.kept = w.s.deliver(f.raw, b.frames) || b.kept
			continue
		}
		f.merged = append(f.merged, b.frames...)
	}
	f.writeMerged(w.s)
}

func (f *flusher) writeMerged(s *Socket) {
	if len(f.merged) > 0 && s.deliver(f.raw, f.merged) {
		f.merged = nil // the socket keeps it
	}
	f.merged = f.merged[:0]
}

// reset must be called with Hub.mu held.
func (f *flusher) reset(h *Hub) {
	for i := range f.batches {
		if !f.batches[i].kept {
			h.buffers.put(f.batches[i].frames)
		}
	}
	for i, s := range f.later {
		h.probeLater(s)
		f.later[i] = nil
	}
	f.later = f.later[:0]
	if cap(f.links) > keepLinks {
		f.links = nil
	}
	clear(f.batches)
	clear(f.work)
	f.batches, f.work, f.links = f.batches[:0], f.work[:0], f.links[:0]
}
