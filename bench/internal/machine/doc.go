// Package machine reads from /proc what processes cost, and places them on
// CPUs.
//
// All functions may be called from any goroutine, except OnCPU and Pin, which
// change the calling thread.
package machine
