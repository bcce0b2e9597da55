// Package conf holds the few value types that every room's configuration shares.
// All its types are plain values; they are safe to copy and to use concurrently.
package conf

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that JSON may give as nanoseconds or as a string
// such as "30s", "1m30s" or "30d". It is written as a string.
type Duration time.Duration

// ParseDuration is time.ParseDuration with one more unit, "d" for 24 hours, as
// in Caddy's durations.
func ParseDuration(s string) (time.Duration, error) {
	var days time.Duration
	rest := s
	if i := strings.IndexByte(s, 'd'); i > 0 {
		n, err := strconv.ParseFloat(s[:i], 64)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("conf: invalid duration %q: want a form such as 30s, 5m or 30d", s)
		}
		days, rest = time.Duration(n*float64(24*time.Hour)), s[i+1:]
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("conf: invalid duration %q: want a form such as 30s, 5m or 30d", s)
	}
	return days + d, nil
}

// UnmarshalJSON accepts nanoseconds or a string for ParseDuration.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var n int64
	if json.Unmarshal(b, &n) == nil {
		*d = Duration(n)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("conf: a duration is a string such as \"30s\" or nanoseconds, not %s", b)
	}
	v, err := ParseDuration(s)
	*d = Duration(v)
	return err
}

// MarshalJSON writes the string form.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// Or returns the duration, or def where it is zero.
func (d Duration) Or(def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return time.Duration(d)
}

// DurationOr returns *d, or def where d is nil: for options whose zero means
// something.
func DurationOr(d *Duration, def time.Duration) time.Duration {
	if d == nil {
		return def
	}
	return time.Duration(*d)
}

// Expand replaces placeholders such as {env.NAME} in one configuration value.
// It is Caddy's replacer in a Caddy build and the identity elsewhere.
type Expand func(string) (string, error)
