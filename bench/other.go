//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: the benchmarks read /proc and use epoll: run them on Linux")
	os.Exit(1)
}
