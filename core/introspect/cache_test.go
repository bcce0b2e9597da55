package introspect

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCacheBytesAreBounded(t *testing.T) {
	t.Parallel()
	c := newCache(maxActive, 1<<20)
	for i := range 100 {
		id := &Identity{Subject: "x", Claims: map[string]any{"x": strings.Repeat("x", 100<<10)}}
		c.put(key.Label("x", fmt.Sprint(i)), entry{identity: id, size: sizeOf(id)})
		if c.size > 1<<20 || c.lru.Len() == 0 {
			t.Fatalf("%d bytes in %d entries", c.size, c.lru.Len())
		}
	}
	c.put(key.Label("x", "giant"), entry{size: 2 << 20})
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
				e := entry{variant: v, size: rapid.IntRange(0, 300).Draw(t, "size")}
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
