package hub

import (
	"io"
	"syscall"
	"unsafe"
)

// haveRawWrite says whether rawWriter works here.
const haveRawWrite = true

// rawWriter writes to a socket without waiting and without telling the scheduler
// that it might, which is most of what a write costs beside the kernel's part. The
// runtime keeps these descriptors non-blocking, so it can't wait. A rawWriter is
// one goroutine's at a time; it exists so that a write allocates nothing.
type rawWriter struct {
	p     []byte
	n     int
	errno syscall.Errno
	call  func(fd uintptr) bool
}

func newRawWriter() *rawWriter {
	w := &rawWriter{}
	w.call = w.once
	return w
}

// write returns how much of p the kernel took at once. Under the connection's own
// write lock, so the descriptor can't be closed and given to another meanwhile.
func (w *rawWriter) write(rc syscall.RawConn, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	w.p, w.n, w.errno = p, 0, 0
	err := rc.Write(w.call)
	w.p = nil
	if err != nil {
		return 0, err
	}
	switch {
	case w.errno == syscall.EAGAIN:
		return 0, nil
	case w.errno != 0:
		return 0, w.errno
	case w.n == 0:
		return 0, io.ErrUnexpectedEOF
	}
	return w.n, nil
}

func (w *rawWriter) once(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(w.p))), uintptr(len(w.p)))
		if errno == syscall.EINTR {
			continue
		}
		if w.errno = errno; errno == 0 {
			w.n = int(n) //nolint:gosec // at most len(w.p)
		}
		return true // never wait for the descriptor: that is the writer's part
	}
}
