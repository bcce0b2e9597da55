package centrifuge

import (
	"errors"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/channel"
)

// The errors of replies: the protocol's own, with its codes. A client tries again
// after a temporary one.
var (
	errInternal       = &protocol.Error{Code: 100, Message: "internal server error", Temporary: true}
	errUnknownChannel = &protocol.Error{Code: 102, Message: "unknown channel"}
	errForbidden      = &protocol.Error{Code: 103, Message: "permission denied"}
	errMethodNotFound = &protocol.Error{Code: 104, Message: "method not found"}
	errSubscribed     = &protocol.Error{Code: 105, Message: "already subscribed"}
	errLimit          = &protocol.Error{Code: 106, Message: "limit exceeded"}
	errBadRequest     = &protocol.Error{Code: 107, Message: "bad request"}
	errNotAvailable   = &protocol.Error{Code: 108, Message: "not available"}
	errExpired        = &protocol.Error{Code: 109, Message: "token expired"}
	errTooMany        = &protocol.Error{Code: 111, Message: "too many requests", Temporary: true}
	errUnrecoverable  = &protocol.Error{Code: 112, Message: "unrecoverable position"}
)

// The codes of disconnect pushes that go before a close of which the clients would not
// see that it is final: they reconnect after every code below 3000.
const (
	disconnectBadRequest   = 3501
	disconnectNotAvailable = 3508
)

// unsubscribeInsufficient tells a client that messages may be missing, so that it
// subscribes again.
const unsubscribeInsufficient = 2500

// errorOf is what the client is told of an error of rules, of Redis, or of the backend.
func errorOf(err error) *protocol.Error {
	switch {
	case errors.Is(err, channel.ErrUnknown):
		return errUnknownChannel
	case errors.Is(err, channel.ErrForbidden):
		return errForbidden
	default:
		return errInternal
	}
}
