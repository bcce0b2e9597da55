package introspect

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var later = time.Now().Add(time.Hour)

// What is of no more use goes with the next that come.
func TestCacheExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(maxActive, 1<<20)
		put := func(name string, n int) {
			for i := range n {
				now := time.Now()
				c.put(key.Label(name, fmt.Sprint(i)), entry{fresh: now.Add(time.Second), stale: now.Add(time.Minute)})
			}
		}
		put("old", 100)
		time.Sleep(time.Minute - time.Nanosecond)
		put("new", 25)
		if c.lru.Len() != 125 {
			t.Errorf("%d entries: some that would have served an outage are gone", c.lru.Len())
		}
		time.Sleep(time.Nanosecond)
		put("newer", 25)
		if n := c.lru.Len(); n != 100 {
			t.Errorf("%d entries, want 100: two old ones go for each new one", n)
		}
	})
}

func TestCacheBytesAreBounded(t *testing.T) {
	t.Parallel()
	c := newCache(maxActive, 1<<20)
	for i := range 100 {
		id := &Identity{Subject: "x", Claims: map[string]any{"x": strings.Repeat("x", 100<<10)}}
		c.put(key.Label("x", fmt.Sprint(i)), entry{identity: id, fresh: later, size: sizeOf(id)})
		if c.size > 1<<20 || c.lru.Len() == 0 {
			t.Fatalf("%d bytes in %d entries", c.size, c.lru.Len())
		}
	}
	c.put(key.Label("x", "giant"), entry{fresh: later, size: 2 << 20})
	if c.size != 0 {
		t.Fatalf("%d bytes", c.size)
	}
}

// The sum of sizes is that of the entries, whatever happens.
func TestCacheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCache(4, 1000)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			fp := key.Label("x", rapid.StringMatching("[a-f]").Draw(t, "token"))
			v := variant{device: rapid.StringMatching("[a-m]").Draw(t, "variant")}
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				e := entry{variant: v, fresh: later, size: rapid.IntRange(0, 300).Draw(t, "size")}
				c.put(fp, e)
				if got, ok := c.get(fp, v); e.size <= 300 && ok && got != e {
					t.Fatal("another entry")
				}
			case 2:
				c.drop(fp, &v)
				if _, ok := c.get(fp, v); ok {
					t.Fatal("not dropped")
				}
			case 3:
				c.drop(fp, nil)
				if c.lru.Contains(fp) {
					t.Fatal("not dropped")
				}
			}
			sum := 0
			for _, es := range c.lru.Values() {
				if len(es) == 0 || len(es) > maxVariants {
					t.Fatalf("%d variants", len(es))
				}
				for _, e := range es {
					sum += e.size
				}
			}
			if sum != c.size || sum > 1000 || c.lru.Len() > 4 {
				t.Fatalf("%d bytes are %d, in %d", c.size, sum, c.lru.Len())
			}
		}
	})
}
