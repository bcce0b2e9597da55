package proctest

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// listeners counts the sockets of this machine that listen on a TCP port of an IPv4
// address; proc(5) has the format.
func listeners(addr string) (n int, err error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	p, err := strconv.Atoi(port)
	if err != nil {
		return 0, err
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	const listening = "0A"
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", p)) && f[3] == listening {
			n++
		}
	}
	return n, nil
}
