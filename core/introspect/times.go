package introspect

import (
	"math"
	"strconv"
	"time"
)

// asTime reads seconds, milliseconds, microseconds or nanoseconds since 1970, as
// a number or as text, RFC 3339, or a CEL timestamp. Zero means unknown.
func asTime(v any) time.Time {
	switch v := v.(type) {
	case int64:
		return fromEpoch(v)
	case uint64:
		if v <= math.MaxInt64 {
			return fromEpoch(int64(v))
		}
	case float64:
		// RFC 7519's NumericDate may have a fraction.
		if 0 < v && v < 1e11 {
			return time.UnixMilli(int64(v * 1000)).UTC()
		}
		if 0 < v && v < math.MaxInt64 {
			return fromEpoch(int64(v))
		}
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return fromEpoch(n)
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil && t.Unix() > 0 {
			return t.UTC()
		}
	case time.Time:
		if v.Unix() > 0 {
			return v.UTC()
		}
	}
	return time.Time{}
}

// fromEpoch tells the unit by the size: 1e11 seconds are the year 5138, and 1e11
// milliseconds 1973.
func fromEpoch(n int64) time.Time {
	switch {
	case n <= 0:
		return time.Time{}
	case n < 1e11:
		return time.Unix(n, 0).UTC()
	case n < 1e14:
		return time.UnixMilli(n).UTC()
	case n < 1e17:
		return time.UnixMicro(n).UTC()
	}
	return time.Unix(0, n).UTC()
}
