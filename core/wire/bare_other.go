//go:build !linux

package wire

import (
	"net"
	"syscall"
)

// bare is for Linux.
func bare(nc net.Conn) net.Conn { return nc }

func bareOf(net.Conn) syscall.RawConn { return nil }
