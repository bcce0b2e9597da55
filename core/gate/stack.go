package gate

import "runtime"

// deepen makes the stack of its goroutine large enough for what an admission takes,
// at once: it would else grow where it is deepest, and copy all frames of the server's
// handlers for each doubling.
//
//go:noinline
func deepen() {
	var room [10 << 10]byte
	runtime.KeepAlive(&room)
}
