package token

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"
)

// The names of the device cookie. The prefix `__Host-` makes browsers refuse
// one that was not set by this very host over TLS.
const (
	deviceCookieTLS   = "__Host-wsgate-did"
	deviceCookiePlain = "wsgate-did"
	deviceMaxAge      = 365 * 24 * time.Hour
	deviceIDLen       = 16
	deviceSigLen      = 16
)

// Devices mints and reads the cookie by which a login in the same browser is
// told from one elsewhere. The cookie is random and signed, and names nobody.
type Devices struct {
	key       *Key
	secretSet bool
}

// NewDevices makes Devices. Without a configured secret anybody can sign a
// cookie, so the browser's address and user agent then count as well.
func NewDevices(key *Key, secretSet bool) *Devices {
	return &Devices{key: key, secretSet: secretSet}
}

// Browser returns a key that two requests share if they come from the same
// browser, or "" where there is no valid device cookie: two absent cookies are
// not equal. The first valid cookie of the name counts. The key may be stored;
// it is not the cookie.
func (d *Devices) Browser(r *http.Request, tls bool, ip string) string {
	id, ok := d.cookie(r, tls)
	if !ok {
		return ""
	}
	if d.secretSet {
		return d.key.Label("browser", id).String()
	}
	b := binary.AppendUvarint([]byte(id), uint64(len(ip)))
	b = append(b, ip...)
	b = append(b, r.UserAgent()...)
	return d.key.Label("browser and address", string(b)).String()
}

// Has says whether a request has a valid device cookie.
func (d *Devices) Has(r *http.Request, tls bool) bool {
	_, ok := d.cookie(r, tls)
	return ok
}

// cookie is the id in the first valid cookie.
func (d *Devices) cookie(r *http.Request, tls bool) (id string, ok bool) {
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var name, value string
			name, value, line = nextCookie(line)
			if name != deviceCookieName(tls) {
				continue
			}
			if id, ok := d.verify(unquote(value)); ok {
				return id, true
			}
		}
	}
	return "", false
}

// Mint returns a fresh cookie, valid for a year.
func (d *Devices) Mint(tls bool) *http.Cookie {
	var b [deviceIDLen]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	id := base64.RawURLEncoding.EncodeToString(b[:])
	return &http.Cookie{ //nolint:gosec // not Secure on plain HTTP, where it would not come back
		Name:     deviceCookieName(tls),
		Value:    id + "." + d.sign(id),
		Path:     "/",
		MaxAge:   int(deviceMaxAge / time.Second),
		Secure:   tls,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

func (d *Devices) verify(value string) (id string, ok bool) {
	id, sig, ok := strings.Cut(value, ".")
	if !ok || len(id) != base64.RawURLEncoding.EncodedLen(deviceIDLen) || !d.signed(id, sig) {
		return "", false
	}
	return id, true
}

// signed compares in constant time, and allocates nothing: it is asked with every request.
func (d *Devices) signed(id, sig string) bool {
	f := d.key.Label("device cookie", id)
	var want [(deviceSigLen*8 + 5) / 6]byte
	base64.RawURLEncoding.Encode(want[:], f[:deviceSigLen])
	return hmac.Equal([]byte(sig), want[:])
}

func (d *Devices) sign(id string) string {
	f := d.key.Label("device cookie", id)
	return base64.RawURLEncoding.EncodeToString(f[:deviceSigLen])
}

func deviceCookieName(tls bool) string {
	if tls {
		return deviceCookieTLS
	}
	return deviceCookiePlain
}
