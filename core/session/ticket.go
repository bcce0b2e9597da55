package session

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// A takeover ticket is signed and not stored: a page whose requests are all denied
// gets one with each, and every one of them is good until it ends. Redis keeps only
// those that were used, so that each is used once. It holds when it ends by Redis'
// clock, in ms, a nonce, and the signature of both with the login and browser that
// were denied.
const (
	ticketEnds  = 8
	ticketNonce = 8
	ticketMAC   = 16
	ticketLen   = ticketEnds + ticketNonce + ticketMAC
)

// ticket is one as claim.lua sees it. The zero value is none.
type ticket struct{ nonce, ends string }

// ticketFor makes a ticket for a denied claim; ends is what claim.lua said of it.
func (r *Registry) ticketFor(c *Claim, ends string) string {
	if ends == "" {
		return ""
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, ticketLen), uint64(atoi(ends)))
	b = append(b, random()[:ticketNonce]...)
	return base64.RawURLEncoding.EncodeToString(append(b, r.ticketMAC(c, c.Browser, b)...))
}

// usedTicket reads the ticket of a claim, if it was made for this login and this
// browser. One that was made when the browser was not yet known is good from any:
// its page may have got the device cookie since.
func (r *Registry) usedTicket(c *Claim) ticket {
	b, err := base64.RawURLEncoding.DecodeString(c.Takeover)
	if err != nil || len(b) != ticketLen {
		return ticket{}
	}
	signed, mac := b[:ticketEnds+ticketNonce], b[ticketEnds+ticketNonce:]
	if !hmac.Equal(mac, r.ticketMAC(c, c.Browser, signed)) && !hmac.Equal(mac, r.ticketMAC(c, "", signed)) {
		return ticket{}
	}
	return ticket{
		nonce: base64.RawURLEncoding.EncodeToString(signed[ticketEnds:]),
		ends:  strconv.FormatUint(binary.BigEndian.Uint64(signed), 10),
	}
}

func (r *Registry) ticketMAC(c *Claim, browser string, signed []byte) []byte {
	// The identity has the account in it, and a fixed length, as signed has.
	f := r.keys.key.Label("takeover", c.Identity.String()+string(signed)+browser)
	return f[:ticketMAC]
}
