package proctest

import (
	"net"
	"sync"
	"testing"
)

// TCPProxy passes TCP connections on to another address, and breaks them when it is
// told to. All its methods may be called from any goroutine.
type TCPProxy struct {
	listen net.Listener
	wg     sync.WaitGroup

	mu      sync.Mutex
	target  string
	pairs   map[*pair]struct{}
	refuses bool
	stalled chan struct{} // closed when the stall ends; nil while there is none
	closed  bool
}

// pair is one connection with both its sides.
type pair struct{ client, server net.Conn }

// Proxy starts a proxy before an address of this machine; it ends with the test.
func Proxy(tb testing.TB, target string) *TCPProxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("proctest: %v", err)
	}
	p := &TCPProxy{target: target, listen: l, pairs: map[*pair]struct{}{}}
	p.wg.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// Addr is where the proxy listens.
func (p *TCPProxy) Addr() string { return p.listen.Addr().String() }

// Cut resets every connection, and loses what is on its way.
func (p *TCPProxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.reset()
	}
}

// CutOne does that to one connection, whichever it is.
func (p *TCPProxy) CutOne() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.reset()
		return
	}
}

// Stall lets connections stay, and nothing pass, until Go: what is sent is taken and
// goes no further.
func (p *TCPProxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled == nil {
		p.stalled = make(chan struct{})
	}
}

// Refuse resets every connection and each that comes, until Go: as the other side's
// machine does when its server has died.
func (p *TCPProxy) Refuse() {
	p.mu.Lock()
	p.refuses = true
	p.mu.Unlock()
	p.Cut()
}

// Point has connections from now on passed to another address.
func (p *TCPProxy) Point(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Go ends a stall, and lets connections in again.
func (p *TCPProxy) Go() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = false
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
}

func (p *TCPProxy) accept() {
	for {
		c, err := p.listen.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

func (p *TCPProxy) serve(client net.Conn) {
	p.mu.Lock()
	target, refuses := p.target, p.refuses
	p.mu.Unlock()
	if refuses {
		reset(client)
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &pair{client, server}
	p.mu.Lock()
	p.pairs[c] = struct{}{}
	if p.closed || p.refuses || p.target != target {
		c.reset()
	}
	p.mu.Unlock()
	p.wg.Go(func() { p.copy(c, server, client) })
	p.copy(c, client, server)
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
}

func (p *TCPProxy) copy(c *pair, to, from net.Conn) {
	defer c.close()
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		stalled := p.stalled
		p.mu.Unlock()
		if stalled != nil {
			<-stalled
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// close passes an end on in good order, reset does not.
func (c *pair) close() {
	_ = c.client.Close()
	_ = c.server.Close()
}

func (c *pair) reset() {
	reset(c.client)
	reset(c.server)
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (p *TCPProxy) close() {
	_ = p.listen.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Go()
	p.Cut()
	p.wg.Wait()
}
