package session

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/core/token"
)

// maxAccount bounds an account name, in bytes.
const maxAccount = 64 << 10

// hashLen is how much of a hash a key carries: 132 bits.
const hashLen = 22

// ErrAccount: the account's name is empty or longer than 64 KiB.
var ErrAccount = errors.New("session: unusable account name")

// keys names everything of one realm in Redis.
type keys struct {
	key    *token.Key
	prefix string // of the realm's keys
	events string // the control channel
	realm  string // the key that says whose the realm is
}

// Prefix begins the names of a realm's keys in Redis, wsgate's others too. keyPrefix is
// the configured one.
func Prefix(k *token.Key, keyPrefix, realm string) string {
	return keyPrefix + realmHash(k, realm) + ":"
}

func realmHash(k *token.Key, realm string) string {
	return k.Label("realm", realm).String()[:hashLen]
}

func newKeys(k *token.Key, prefix, realm string, db int) keys {
	rh := realmHash(k, realm)
	// Unlike all others this key must be the same for nodes with different
	// secrets: it is how they find out.
	plain := sha256.Sum256([]byte(realm))
	return keys{
		key:    k,
		prefix: Prefix(k, prefix, realm),
		// Pub/sub is one space for all databases of a server.
		events: prefix + strconv.Itoa(db) + ":" + rh + ":events",
		realm:  prefix + "realm:" + base64.RawURLEncoding.EncodeToString(plain[:])[:hashLen],
	}
}

// hash stands for an account in keys and events. It has neither colons nor
// braces, whatever the account's name has.
func (k *keys) hash(account string) (string, error) {
	if err := usable(account); err != nil {
		return "", err
	}
	return strings.Clone(k.key.Label("account", account).String()[:hashLen]), nil // it is kept
}

// usable is nil, or ErrAccount.
func usable(account string) error {
	if account == "" {
		return fmt.Errorf("%w: it is empty", ErrAccount)
	}
	if len(account) > maxAccount {
		return fmt.Errorf("%w: %d bytes, want at most %d", ErrAccount, len(account), maxAccount)
	}
	return nil
}

// account yields the keys of lua/common.lua, all in one slot.
func (k *keys) account(hash string) []string {
	base := k.prefix + "{" + hash + "}:"
	// One piece of memory for all.
	all := base + "m" + base + "live" + base + "dead" + base + "ends"
	m, n := len(base)+1, len(base)+4
	return []string{all[:m], all[m : m+n], all[m+n : m+2*n], all[m+2*n:]}
}

// live is the second of these.
func (k *keys) live(hash string) string { return k.prefix + "{" + hash + "}:live" }

// token is the key that leads from a token to its login. It never changes.
func (k *keys) token(fp token.Fingerprint) string { return k.prefix + "t:" + fp.String() }
