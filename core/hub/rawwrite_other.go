//go:build !linux

package hub

import (
	"errors"
	"syscall"
)

// haveRawWrite says whether rawWriter works here: elsewhere every write takes a
// goroutine, as it does for TLS.
const haveRawWrite = false

type rawWriter struct{}

func newRawWriter() *rawWriter { return &rawWriter{} }

func (*rawWriter) write(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }
