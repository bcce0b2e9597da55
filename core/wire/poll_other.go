//go:build !linux

package wire

import (
	"log/slog"
	"syscall"
)

// Poller is for Linux: elsewhere every connection keeps its goroutine.
type Poller struct{}

// NewPoller returns nil, a Poller that takes nobody.
func NewPoller(*slog.Logger) *Poller { return nil }

// Close does nothing.
func (*Poller) Close() {}

type parking struct {
	poller *Poller
	rc     syscall.RawConn
}

// Parked is a reader that left, to be resumed.
type Parked interface {
	// Resume goes on reading, in a goroutine of its own. It must not block.
	Resume()
}

// Park returns false: the caller goes on reading.
func (*Conn) Park(Parked) bool { return false }

// Wake does nothing, for nobody is parked.
func (*Conn) Wake() {}

// Unpark does nothing.
func (*Conn) Unpark() {}
