package token

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"net/http"
	"strings"
)

// maxMarked bounds the text that a Mark can stand for, in blocks of 16 bytes.
const maxMarked = 512

// Mark stands for everything that HTTP and [Devices] read of a plain request, at a
// fraction of what reading it costs: two requests with one mark carry the same tokens
// and the same device cookie. Marks are comparable, of one Finder and one process
// only, and hold no token.
//
// It is a universal hash, NH of UMAC (RFC 4418 section 5.2) in words of 64 bits and
// twice over, under a random key that nobody sees: whatever two different texts a
// client chooses, they have one mark with a probability of 2^-128. The fast
// hashes of hash/maphash promise nothing of the kind.
type Mark struct {
	sums   sums
	blocks uint16
	tls    bool
}

// Hash is for tables of marks.
func (m *Mark) Hash() uint64 { return m.sums.hi1 ^ m.sums.lo1 }

// markKey holds a word for each one of the text, and two more for the second time.
type markKey [2*maxMarked + 2]uint64

func newMarkKey() *markKey {
	var b [8 * len(markKey{})]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	k := &markKey{}
	for i := range k {
		k[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	return k
}

// Mark yields the mark of a plain request. It is false where there is none: no header
// or cookie that could hold a token, a parameter that could, or too much text.
func (f *Finder) Mark(r *http.Request, tls bool) (Mark, bool) {
	m := marking{key: f.marks}
	for i := range f.sources {
		s := &f.sources[i]
		switch s.Kind {
		case Header:
			for _, v := range r.Header[s.Name] {
				m.add(v, uint64(i))
			}
		case Query:
			if hasParam(r.URL.RawQuery, s.Name) {
				return Mark{}, false
			}
		case Cookie, Subprotocol, Path, FirstMessage, Ticket: // cookies follow; the rest mean nothing on plain HTTP
		}
	}
	if m.at == 0 && !f.cookies {
		return Mark{}, false
	}
	for _, line := range r.Header["Cookie"] {
		m.add(line, cookieMark)
	}
	if m.at == 0 || m.over {
		return Mark{}, false
	}
	m.mark.blocks, m.mark.tls = uint16(m.at/2), tls
	return m.mark, true
}

// cookieMark is beside the numbers of sources.
const cookieMark = maxSources

func hasParam(query, name string) bool {
	for query != "" {
		var n string
		if n, _, _, query, _ = nextParam(query); strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// marking is a mark in the making.
type marking struct {
	key  *markKey
	at   int // words of the key that are used
	over bool
	mark Mark
}

// add adds a value. Its length and place go before it, so that no two sequences of
// values are the same text.
func (m *marking) add(v string, place uint64) {
	blocks := 1 + (len(v)+15)/16
	if m.over || m.at+2*blocks > 2*maxMarked {
		m.over = true
		return
	}
	key, s := m.key[m.at:m.at+2*blocks+2], m.mark.sums
	m.at += 2 * blocks
	x, y := uint64(len(v)), place
	for {
		var carry uint64
		hi, lo := bits.Mul64(x+key[0], y+key[1])
		s.lo1, carry = bits.Add64(s.lo1, lo, 0)
		s.hi1, _ = bits.Add64(s.hi1, hi, carry)
		hi, lo = bits.Mul64(x+key[2], y+key[3])
		s.lo2, carry = bits.Add64(s.lo2, lo, 0)
		s.hi2, _ = bits.Add64(s.hi2, hi, carry)
		if key = key[2:]; len(key) < 4 {
			break
		}
		if len(v) >= 16 {
			x, y = word(v), word(v[8:])
			v = v[16:]
			continue
		}
		var rest [16]byte
		copy(rest[:], v)
		x, y = binary.LittleEndian.Uint64(rest[:]), binary.LittleEndian.Uint64(rest[8:])
	}
	m.mark.sums = s
}

// sums are two of 128 bits.
type sums struct{ lo1, hi1, lo2, hi2 uint64 }

func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
