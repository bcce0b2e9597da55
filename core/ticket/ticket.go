// Package ticket lets a token be handed over in a URL: a page changes it for a ticket
// that is good once, and for a short time.
//
// Its one type is [Tickets]. A ticket is random, and signed, so that a made-up one costs
// no look into Redis. Redis holds the token encrypted with a key that only ticket and
// secret together yield, under a name that the ticket yields, so whoever reads Redis has
// neither.
//
// All methods are safe for concurrent use.
package ticket

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/token"
)

// TTL is how long a ticket is good.
const TTL = 30 * time.Second

const (
	idLen  = 16
	sigLen = 16
)

// ErrUnknown is a ticket that is wrong, used, or too old: which of them is not known.
var ErrUnknown = errors.New("ticket: unknown")

// Tickets issues tickets and redeems them. Nodes with equal keys and one Redis redeem
// each other's.
type Tickets struct {
	rdb    redis.UniversalClient
	key    *token.Key
	prefix string
}

// New makes Tickets whose keys in Redis begin with prefix. It does no I/O.
func New(rdb redis.UniversalClient, key *token.Key, prefix string) *Tickets {
	return &Tickets{rdb: rdb, key: key, prefix: prefix}
}

// Issue returns a ticket for a token. It has 43 characters that need no escaping in a
// URL. Errors are Redis'.
func (t *Tickets) Issue(ctx context.Context, tok token.Token) (string, error) {
	var b [idLen + sigLen]byte
	_, _ = rand.Read(b[:idLen]) // never fails since Go 1.24
	sig := t.key.Label("ticket", string(b[:idLen]))
	copy(b[idLen:], sig[:])
	ticket := base64.RawURLEncoding.EncodeToString(b[:])
	name := t.name(ticket)
	sealed := t.aead(ticket).Seal(nil, nil, []byte(tok.Raw()), []byte(name)) //nolint:gosec // the AEAD makes its nonces itself
	if err := t.rdb.Set(ctx, name, sealed, TTL).Err(); err != nil {
		return "", fmt.Errorf("ticket: issue: %w", err)
	}
	return ticket, nil
}

// Redeem returns the token of a ticket, once. Errors: ErrUnknown, and Redis', after which
// the ticket may be used up.
func (t *Tickets) Redeem(ctx context.Context, ticket string) (token.Token, error) {
	if !t.signed(ticket) {
		return token.Token{}, ErrUnknown
	}
	name := t.name(ticket)
	sealed, err := t.rdb.GetDel(ctx, name).Bytes()
	if errors.Is(err, redis.Nil) {
		return token.Token{}, ErrUnknown
	}
	if err != nil {
		return token.Token{}, fmt.Errorf("ticket: redeem: %w", err)
	}
	raw, err := t.aead(ticket).Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return token.Token{}, ErrUnknown // whatever stands there is none of ours
	}
	return token.New(string(raw))
}

func (t *Tickets) signed(ticket string) bool {
	if len(ticket) != base64.RawURLEncoding.EncodedLen(idLen+sigLen) {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil {
		return false
	}
	sig := t.key.Label("ticket", string(b[:idLen]))
	return hmac.Equal(b[idLen:], sig[:sigLen])
}

// name is the ticket's in Redis.
func (t *Tickets) name(ticket string) string {
	return t.prefix + t.key.Label("ticket name", ticket).String()
}

// aead encrypts under the ticket.
func (t *Tickets) aead(ticket string) cipher.AEAD {
	key := t.key.Label("ticket key", ticket)
	block, err := aes.NewCipher(key[:])
	if err == nil {
		var a cipher.AEAD
		if a, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return a
		}
	}
	panic("ticket: " + err.Error()) // the key's length is AES-256's
}
