package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// tokenDomain keeps the fingerprints of tokens apart from all labels.
const tokenDomain = "token"

// Key makes fingerprints. Nodes with an equal secret and realm make equal ones.
type Key struct {
	pool sync.Pool // of *mac
}

// mac is one HMAC with the memory it works in, so that a fingerprint allocates
// nothing.
type mac struct {
	hash hash.Hash
	in   []byte
	out  [sha256.Size]byte
}

// NewKey derives the key of a realm. With an empty secret the realm's name is
// all there is to it: whoever knows the name can then compute the fingerprint of
// a token that he already has or can guess, and can sign device cookies.
func NewKey(secret, realm string) *Key {
	root := hmac.New(sha256.New, []byte("wsgate key 1\x00"+secret))
	root.Write([]byte(realm))
	key := root.Sum(nil)
	k := &Key{}
	k.pool.New = func() any { return &mac{hash: hmac.New(sha256.New, key)} }
	return k
}

// Fingerprint is the HMAC-SHA256 of the token's canonical spelling. The zero
// Token has the zero Fingerprint.
func (k *Key) Fingerprint(t Token) Fingerprint {
	if t.IsZero() {
		return Fingerprint{}
	}
	return k.Label(tokenDomain, t.canon)
}

// Label is the HMAC-SHA256 of any other value, such as a session id. Equal
// values of different domains have different labels. The domain "token" is that
// of Fingerprint.
func (k *Key) Label(domain, value string) Fingerprint {
	m := k.pool.Get().(*mac)
	m.in = binary.AppendUvarint(m.in[:0], uint64(len(domain)))
	m.in = append(m.in, domain...)
	m.in = append(m.in, value...)
	m.hash.Reset()
	m.hash.Write(m.in)
	m.hash.Sum(m.out[:0])
	f := Fingerprint(m.out)
	// The buffer held a token; it must not outlive this call in memory that
	// some dump shows, nor grow to the size of the largest value ever seen.
	clear(m.in)
	if cap(m.in) <= MaxLen+64 {
		k.pool.Put(m)
	}
	return f
}
