package hist

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuantileIsWithinABucket(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 200).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var h Hist
		for _, v := range values {
			h.Add(v)
		}
		slices.Sort(values)
		want := values[min(int(q*float64(len(values))), len(values)-1)]
		got := int64(h.Quantile(q))
		if diff := max(got-want, want-got); diff > want/32+1 {
			t.Fatalf("quantile %v of %v: got %d, want %d", q, values, got, want)
		}
	})
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	var h Hist
	if h.Quantile(0.5) != 0 || h.Count() != 0 || h.Max() != 0 {
		t.Fatal("an empty histogram has values")
	}
}
