package gate

import (
	"sync/atomic"

	"github.com/wsgate/wsgate/core/token"
)

// familiars remembers of requests that passed what was found in them, so that the next
// one with the same tokens and cookies need not be read again. It holds no verdict:
// that is asked for each time. A request that is not here is read as any other, so
// nothing depends on what is forgotten.
//
// All methods are safe for concurrent use. Reading takes no lock, for every request
// does it.
type familiars struct {
	slots [maxFamiliars]atomic.Pointer[familiar]
}

// maxFamiliars bounds them, to 3 MB a gate. It is a power of two.
const maxFamiliars = 32768

// familiar is a request with one token, whose login was live.
type familiar struct {
	mark        token.Mark
	fingerprint token.Fingerprint // as fingerprintOf yields
	device      bool              // it has a device cookie
}

// A mark has two places.
func (f *familiars) places(m *token.Mark) (first, second *atomic.Pointer[familiar]) {
	i := m.Hash() % maxFamiliars
	return &f.slots[i], &f.slots[i^1]
}

func (f *familiars) get(m *token.Mark) *familiar {
	first, second := f.places(m)
	if one := first.Load(); one != nil && one.mark == *m {
		return one
	}
	if one := second.Load(); one != nil && one.mark == *m {
		return one
	}
	return nil
}

// add puts one where there is room, else in the place of another.
func (f *familiars) add(one *familiar) {
	first, second := f.places(&one.mark)
	if old := first.Load(); old != nil && old.mark != one.mark {
		if second.CompareAndSwap(nil, one) {
			return
		}
	}
	first.Store(one)
}
