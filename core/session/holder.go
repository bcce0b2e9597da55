package session

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// Holder is a login as another login of the same account is told of it: by whom it
// was displaced, or who has the seat. What is in it may be shown to whoever has the
// account's password, or had it.
type Holder struct {
	SID string
	// IP is masked, see MaskIP. "": not known.
	IP string
	// Device is a class of device. "": not known.
	Device string
	// Since is when it logged in and Seen when it was last seen, by Redis' clock:
	// for people to read.
	Since, Seen time.Time
}

// MaskIP leaves of an address what tells one's own home from another city, and
// hides the rest: 203.0.x.x, 2001:db8:x. What is no address is left out.
func MaskIP(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	a = a.Unmap()
	if a.Is4() {
		b := a.As4()
		return fmt.Sprintf("%d.%d.x.x", b[0], b[1])
	}
	b := a.As16()
	return fmt.Sprintf("%x:%x:x", uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3]))
}

// parseHolders reads what claim.lua tells of those in the way.
func parseHolders(raw string) ([]Holder, error) {
	if raw == "" {
		return nil, nil
	}
	var list []struct {
		SID      string `json:"s"`
		IP       string `json:"ip"`
		Device   string `json:"d"`
		Admitted string `json:"a"`
		Seen     string `json:"l"`
	}
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		return nil, fmt.Errorf("session: holders in Redis: %w", err)
	}
	out := make([]Holder, len(list))
	for i, h := range list {
		out[i] = Holder{
			SID: h.SID, IP: MaskIP(h.IP), Device: h.Device,
			Since: millisTime(h.Admitted), Seen: millisTime(h.Seen),
		}
	}
	return out, nil
}

// millisTime reads a time that a script wrote; none, or damage, is the zero time.
func millisTime(s string) time.Time {
	if n := atoi(s); n > 0 {
		return time.UnixMilli(n)
	}
	return time.Time{}
}
