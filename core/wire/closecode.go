package wire

import "strconv"

// CloseCode is why a socket was closed (RFC 6455 section 7.4). 4000 to 4499 ask a
// client to come back, 4500 to 4999 are final: the rule of the centrifuge
// clients, kept for every protocol.
type CloseCode uint16

const (
	// CloseNormal is sent by clients that are done. Client should reconnect: no.
	CloseNormal CloseCode = 1000

	// CloseGoingAway means that the server is going away, or gave the connection
	// up for dead. Client should reconnect: yes, with jitter.
	CloseGoingAway CloseCode = 1001

	// CloseProtocol means that the client broke RFC 6455. Client should
	// reconnect: no.
	CloseProtocol CloseCode = 1002

	// CloseNoStatus is a close frame without a code. It is never sent.
	CloseNoStatus CloseCode = 1005

	// CloseAbnormal is a connection that broke off. It is never sent.
	CloseAbnormal CloseCode = 1006

	// CloseInvalidText means a text message that is not UTF-8. Client should
	// reconnect: no.
	CloseInvalidText CloseCode = 1007

	// ClosePolicy means that the client broke a rule, such as the command rate.
	// Client should reconnect: no.
	ClosePolicy CloseCode = 1008

	// CloseTooBig means a message over the size limit. Client should reconnect: no.
	CloseTooBig CloseCode = 1009

	// CloseRestarting means that the server restarts. Client should reconnect: yes,
	// with jitter.
	CloseRestarting CloseCode = 1012

	// CloseTryLater means overload. Client should reconnect: yes, slowly.
	CloseTryLater CloseCode = 1013

	// CloseSuperseded means a newer login in the same browser. Client should
	// reconnect: yes, with the new token.
	CloseSuperseded CloseCode = 4002

	// CloseExpired means an expired token where a refresh is configured.
	// Client should reconnect: yes, with a fresh token.
	CloseExpired CloseCode = 4005

	// CloseSlowConsumer means that the client read too slowly and its queue was
	// full. Client should reconnect: yes.
	CloseSlowConsumer CloseCode = 4008

	// CloseDisplaced means a newer login of the account elsewhere, or one that is
	// older than the live one. Client should reconnect: no.
	CloseDisplaced CloseCode = 4501

	// CloseKicked means that an administrator ended the login. Client should
	// reconnect: no.
	CloseKicked CloseCode = 4503

	// CloseInactive means that the token is inactive or expired. Client should
	// reconnect: no.
	CloseInactive CloseCode = 4504

	// CloseDenied means that the account is in use and the oldest login wins.
	// Client should reconnect: no.
	CloseDenied CloseCode = 4505
)

// CodeInfo is one line of the table of close codes.
type CodeInfo struct {
	Code    CloseCode
	Meaning string
	// Reconnect is whether, and how, a client should come back: it starts with
	// yes or no.
	Reconnect string
}

// codes is the one source of the table that clients are promised.
var codes = [...]CodeInfo{
	{CloseNormal, "done", "no"},
	{CloseGoingAway, "server going away", "yes, with jitter"},
	{CloseProtocol, "protocol error", "no"},
	{CloseInvalidText, "text that is not UTF-8", "no"},
	{ClosePolicy, "policy", "no"},
	{CloseTooBig, "message too big", "no"},
	{CloseRestarting, "server restarting", "yes, with jitter"},
	{CloseTryLater, "overloaded, try later", "yes, slowly"},
	{CloseSuperseded, "superseded by a newer login in the same browser", "yes, with the new token"},
	{CloseExpired, "token expired where a refresh is configured", "yes, with a fresh token"},
	{CloseSlowConsumer, "slow consumer", "yes"},
	{CloseDisplaced, "displaced by a newer login", "no"},
	{CloseKicked, "kicked by an administrator", "no"},
	{CloseInactive, "token inactive or expired", "no"},
	{CloseDenied, "denied: the account is in use", "no"},
}

// CloseCodes is the table of every code that may be sent, in numeric order.
func CloseCodes() []CodeInfo { return append([]CodeInfo(nil), codes[:]...) }

// Meaning is the code's line in the table, and "" for an unknown code.
func (c CloseCode) Meaning() string {
	for i := range codes {
		if codes[i].Code == c {
			return codes[i].Meaning
		}
	}
	return ""
}

// Reconnect says whether a client should come back after this code.
func (c CloseCode) Reconnect() bool {
	for i := range codes {
		if codes[i].Code == c {
			return codes[i].Reconnect[0] == 'y'
		}
	}
	return c == CloseAbnormal || c >= 4000 && c < 4500
}

// String is the number, with its meaning where it has one.
func (c CloseCode) String() string {
	n := strconv.Itoa(int(c))
	if m := c.Meaning(); m != "" {
		return n + " (" + m + ")"
	}
	return n
}
