package session

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/redisconn"
)

// newClusterWorld is a Redis Cluster of three masters with one realm.
func newClusterWorld(t *testing.T) *world {
	t.Helper()
	servers := proctest.RedisCluster(t, 3)
	rdb, err := redisconn.Open(redisconn.Config{URLs: []string{servers[0].URL(), servers[1].URL()}}, nil, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return &world{tb: t, redis: servers[0], rdb: rdb, realm: "default", key: newKey()}
}

// strict is a first line by which Redis refuses a script that touches keys of two
// slots, declared or not. Without one it refuses only what another server has.
const strict = "#!lua\n"

// TestScriptsTouchOneSlot runs every script, in all that histories have them do, on a
// real Redis Cluster of three masters that refuses the touch of a second slot.
func TestScriptsTouchOneSlot(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	wrong := strict + "redis.call('SET', KEYS[1], '1') redis.call('SET', KEYS[1] .. 'x', '1')"
	for i := range 20 { // of so many, some land on the same server
		if err := w.rdb.Eval(t.Context(), wrong, []string{fmt.Sprint("key ", i)}).Err(); err == nil {
			t.Fatal("Redis lets a script touch two slots")
		}
	}
	policies := historyPolicies()
	for _, name := range []string{"newest 2 per account", "oldest 2 per device"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w.under(policies[name])
			rapid.Check(t, func(rt *rapid.T) {
				h := w.history(rt, 3)
				h.flags = strict
				h.at(t, 0)
				compare(t, rt, h)
			})
		})
	}
}

// Accounts and tokens are spread over all servers, and every one is found again.
func TestClusterSpreadsAccounts(t *testing.T) {
	t.Parallel()
	w := newClusterWorld(t)
	a, b := w.node(), w.node()
	on := map[int64]bool{} // servers
	for i := range 60 {
		name := fmt.Sprint("account ", i)
		hash, err := a.keys.hash(name)
		if err != nil {
			t.Fatal(err)
		}
		slots := map[int64]bool{}
		for _, k := range a.keys.account(hash) {
			slot := w.rdb.ClusterKeySlot(t.Context(), k).Val()
			slots[slot] = true
			on[slot*3/16384] = true
		}
		if len(slots) != 1 {
			t.Fatalf("the keys of %s are in %d slots", name, len(slots))
		}
		old := a.mustLive(t, Claim{Login: w.login(name, "one")})
		b.mustLive(t, Claim{Login: w.login(name, "two")})
		want(t, name, w.node().lookup(t, old.Token), Dead, ReasonDisplaced)
		mustRevoke(t, a, name, All())
	}
	if len(on) != 3 {
		t.Errorf("all keys are on %d of 3 servers", len(on))
	}
}
