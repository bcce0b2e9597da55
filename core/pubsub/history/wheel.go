package history

import "time"

const (
	// tick is how late a message may be forgotten. What is asked for never has a
	// message that is too old, however late the wheel is.
	tick = time.Second
	// slots times tick is the longest that a ring goes unvisited.
	slots = 256
)

// wheel has each ring that holds messages, or has no listener, in the slot of the
// time when something of it ends, or before.
type wheel struct {
	now   int64 // the tick that was turned last
	slots [slots][]*Ring
}

func (w *wheel) put(r *Ring, due time.Duration) {
	at := int64((due + tick - 1) / tick)
	at = max(w.now+1, min(at, w.now+slots-1))
	r.slot = int(at % slots)
	r.index = len(w.slots[r.slot])
	w.slots[r.slot] = append(w.slots[r.slot], r)
}

func (w *wheel) remove(r *Ring) {
	if r.slot < 0 {
		return
	}
	slot := w.slots[r.slot]
	end := len(slot) - 1
	slot[r.index] = slot[end]
	slot[r.index].index = r.index
	slot[end] = nil
	w.slots[r.slot] = slot[:end]
	r.slot = -1
}

// turn calls visit for what is due; it is off the wheel then.
func (w *wheel) turn(now time.Duration, visit func(*Ring)) {
	for until := int64(now / tick); w.now < until; {
		w.now = max(w.now+1, until-slots+1) // a machine that slept
		at := w.now % slots
		slot := w.slots[at]
		w.slots[at] = nil
		for _, r := range slot {
			r.slot = -1
			visit(r)
		}
	}
}

// each calls f for every ring on the wheel, about in the order in which they are due,
// until it says no.
func (w *wheel) each(f func(*Ring) bool) {
	for i := range int64(slots) {
		for _, r := range w.slots[(w.now+1+i)%slots] {
			if !f(r) {
				return
			}
		}
	}
}
