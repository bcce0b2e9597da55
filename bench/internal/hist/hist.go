// Package hist counts latencies in buckets 1/32 of their value wide, which is
// finer than the spread between two runs and needs no memory per value.
package hist

import (
	"math/bits"
	"time"
)

const (
	subBits = 5
	sub     = 1 << subBits
	buckets = (64 - subBits + 1) * sub
)

// Hist is a histogram of durations. The zero value is empty and ready.
type Hist struct {
	counts [buckets]uint64
	total  uint64
	max    int64
}

// Add counts one duration; what is below zero counts as zero.
func (h *Hist) Add(ns int64) {
	if ns < 0 {
		ns = 0
	}
	if ns > h.max {
		h.max = ns
	}
	h.total++
	h.counts[index(uint64(ns))]++
}

// Reset empties the histogram.
func (h *Hist) Reset() { *h = Hist{} }

// Count is how many durations were added.
func (h *Hist) Count() uint64 { return h.total }

// Max is the longest duration.
func (h *Hist) Max() time.Duration { return time.Duration(h.max) }

// Quantile is the duration that a share q of all does not exceed, or 0 when
// the histogram is empty.
func (h *Hist) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(q * float64(h.total))
	if rank >= h.total {
		return h.Max()
	}
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen > rank {
			return min(time.Duration(middle(i)), h.Max())
		}
	}
	return h.Max()
}

// index is exact below sub, and keeps the leading subBits+1 bits above.
func index(v uint64) int {
	if v < sub {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)*sub + int(v>>shift) - sub
}

// middle is the value halfway through a bucket.
func middle(i int) uint64 {
	if i < sub {
		return uint64(i)
	}
	shift := i/sub - 1
	return uint64(i%sub+sub)<<shift + (uint64(1)<<shift)/2
}
