package session

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/token"
)

// Info is a live login as an administrator sees it.
type Info struct {
	Account  string
	Name     string // "": Account
	Dept     string // "": not known
	Identity Identity
	SID      string
	// IP, UserAgent and Device are those of the request that claimed.
	IP, UserAgent, Device string
	// Since is when it was admitted and Seen when it was last seen, to 30 s or,
	// where only its socket shows that it lives, as the reconciler does it, both by
	// Redis' clock. LoginTime and Expires are zero where unknown.
	Since, Seen, LoginTime, Expires time.Time
	Exempt                          bool
}

// MaxPage is how many logins List returns at most but for those of one account.
const MaxPage = 1000

// maxScans bounds how many steps of SCAN one page takes: a database that is full of
// others' keys makes pages short, or empty, but not slow.
const maxScans = 64

// ErrCursor: the cursor is not one that List returned.
var ErrCursor = errors.New("session: not a cursor of a list of logins")

// Logins returns the live logins of one account.
func (r *Registry) Logins(ctx context.Context, account string) ([]Info, error) {
	hash, err := r.keys.hash(account)
	if err != nil {
		return nil, err
	}
	return r.infos(ctx, []string{hash})
}

// List returns live logins of all accounts, about n of them, and the cursor of the
// next page; "" begins, and is returned at the end. It scans, so it neither blocks
// Redis nor costs a login anything; accounts that come and go meanwhile may be
// missing, and one may come twice. Errors: ErrCursor, and those of Redis.
func (r *Registry) List(ctx context.Context, cursor string, n int) (page []Info, next string, err error) {
	n = min(max(n, 1), MaxPage)
	at, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	servers, err := r.masters(ctx)
	if err != nil {
		return nil, "", err
	}
	match := globEscape(r.keys.prefix) + "{*}:live"
	for steps := 0; steps < maxScans && at.server < len(servers) && len(page) < n; steps++ {
		keys, to, err := servers[at.server].Scan(ctx, at.key, match, int64(max(n, 100))).Result()
		if err != nil {
			return nil, "", fmt.Errorf("session: %w", err)
		}
		if at.key = to; to == 0 {
			at.server++
		}
		var hashes []string
		for _, k := range keys {
			hash := strings.TrimSuffix(strings.TrimPrefix(k, r.keys.prefix+"{"), "}:live")
			if len(hash) == hashLen {
				hashes = append(hashes, hash)
			}
		}
		infos, err := r.infos(ctx, hashes)
		if err != nil {
			return nil, "", err
		}
		page = append(page, infos...)
	}
	if at.server < len(servers) {
		next = at.String()
	}
	return page, next, nil
}

// place is how far a list has come: in which server's keys, and where in them.
type place struct {
	server int
	key    uint64
}

func (p place) String() string {
	return strconv.Itoa(p.server) + "." + strconv.FormatUint(p.key, 10)
}

func parseCursor(s string) (p place, err error) {
	if s == "" {
		return place{}, nil
	}
	server, key, _ := strings.Cut(s, ".")
	if p.server, err = strconv.Atoi(server); err != nil || p.server < 0 {
		return place{}, ErrCursor
	}
	if p.key, err = strconv.ParseUint(key, 10, 64); err != nil {
		return place{}, ErrCursor
	}
	return p, nil
}

// masters are the servers that keys are on: one, or in a Cluster several, in the
// order of their addresses.
func (r *Registry) masters(ctx context.Context) ([]redis.Cmdable, error) {
	c, ok := r.rdb.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{r.rdb}, nil
	}
	var mu sync.Mutex
	var nodes []*redis.Client
	if err := c.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	slices.SortFunc(nodes, func(a, b *redis.Client) int { return cmp.Compare(a.Options().Addr, b.Options().Addr) })
	servers := make([]redis.Cmdable, len(nodes))
	for i, node := range nodes {
		servers[i] = node
	}
	return servers, nil
}

// globEscape keeps a key prefix from being read as a pattern.
func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}

// infos reads the live logins of accounts, by their hashes.
func (r *Registry) infos(ctx context.Context, hashes []string) ([]Info, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	pipe := r.rdb.Pipeline()
	names := make([]*redis.StringCmd, len(hashes))
	lives := make([]*redis.MapStringStringCmd, len(hashes))
	for i, hash := range hashes {
		keys := r.keys.account(hash)
		names[i], lives[i] = pipe.HGet(ctx, keys[0], "account"), pipe.HGetAll(ctx, keys[1])
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("session: %w", err)
	}
	var out []Info
	now := time.Now()
	for i := range hashes {
		for id, raw := range lives[i].Val() {
			in, err := infoOf(names[i].Val(), id, raw)
			if err != nil {
				return nil, err
			}
			if in.Expires.IsZero() || in.Expires.After(now) {
				out = append(out, in)
			}
		}
	}
	return out, nil
}

func infoOf(account, id, raw string) (Info, error) {
	identity, err := token.ParseFingerprint(id)
	if err != nil {
		return Info{}, fmt.Errorf("session: identity in Redis: %w", err)
	}
	var e entry
	if err := json.Unmarshal([]byte(raw), &e); err != nil {
		return Info{}, fmt.Errorf("session: entry in Redis: %w", err)
	}
	return Info{
		Account: account, Name: e.Name, Dept: e.Dept, Identity: identity, SID: e.SID,
		IP: e.IP, UserAgent: e.UserAgent, Device: e.Device, Exempt: e.Exempt != "",
		Since: millisTime(e.Admitted), Seen: millisTime(e.Seen),
		LoginTime: millisTime(e.LoginTime), Expires: millisTime(e.Expires),
	}, nil
}
