package token

import (
	"encoding/base64"
	"fmt"
)

// Fingerprint stands for a token, a session id, a device or a backend wherever
// one is stored, compared, logged or sent. It can't be turned back.
type Fingerprint [32]byte

// String returns the fingerprint as 43 characters of base64url.
func (f Fingerprint) String() string { return base64.RawURLEncoding.EncodeToString(f[:]) }

// Short returns the first 8 characters of String, for logs.
func (f Fingerprint) Short() string { return base64.RawURLEncoding.EncodeToString(f[:6]) }

// IsZero says whether it stands for nothing.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// MarshalText writes the form of String.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// ParseFingerprint reads the form of String.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	if n, err := base64.RawURLEncoding.Strict().Decode(f[:], []byte(s[:min(len(s), 43)])); err != nil || n != len(f) || len(s) != 43 {
		return Fingerprint{}, fmt.Errorf("token: not a fingerprint: want 43 characters of base64url")
	}
	return f, nil
}
