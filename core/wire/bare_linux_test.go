package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// barePair is a bare connection and the client's end of it.
func barePair(t *testing.T) (c *bareConn, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })                 //nolint:errcheck // a test
	client.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a test
	client.(*net.TCPConn).SetReadBuffer(32 << 10)        //nolint:errcheck // only makes the test faster
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	nc.(*net.TCPConn).SetWriteBuffer(32 << 10) //nolint:errcheck // as above
	c, ok := bare(nc).(*bareConn)
	if !ok {
		t.Fatal("the connection was not taken from Go's poller")
	}
	if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("Go's connection still works: %v", err)
	}
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // a test
	return c, client
}

// Both directions wait where they have to, and lose nothing.
func TestBareConnWaits(t *testing.T) {
	t.Parallel()
	c, client := barePair(t)
	if c.RemoteAddr().String() != client.LocalAddr().String() || c.LocalAddr().String() != client.RemoteAddr().String() {
		t.Errorf("addresses %v, %v", c.LocalAddr(), c.RemoteAddr())
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // a MiB, of which a buffer holds little
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if n, err := c.Write(data); n != len(data) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
	})
	wg.Go(func() {
		b, err := io.ReadAll(iotest.HalfReader(c))
		if err != nil || !bytes.Equal(b, data) {
			t.Errorf("read %d bytes, %v", len(b), err)
		}
	})
	back := make([]byte, len(data))
	if _, err := io.ReadFull(client, back); err != nil || !bytes.Equal(back, data) {
		t.Errorf("the client read something else: %v", err)
	}
	for part := range slices.Chunk(data, 100_000) {
		if _, err := client.Write(part); err != nil {
			t.Error(err)
		}
	}
	client.(*net.TCPConn).CloseWrite() //nolint:errcheck // the reader tells
}

// Close wakes a reader and a writer that wait, and nothing works after it.
func TestBareConnCloseWakes(t *testing.T) {
	t.Parallel()
	for range 20 { // whether they wait by then is up to the scheduler
		c, _ := barePair(t)
		ends := make(chan error, 2)
		go func() {
			_, err := c.Read(make([]byte, 10))
			ends <- err
		}()
		go func() {
			_, err := c.Write(make([]byte, 64<<20)) // more than anything on the way takes
			ends <- err
		}()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-ends; !errors.Is(err, net.ErrClosed) {
				t.Errorf("the wait ended with %v", err)
			}
		}
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed again: %v", err)
		}
		if err := bareOf(c).Control(func(uintptr) { t.Error("a descriptor that is not ours") }); !errors.Is(err, net.ErrClosed) {
			t.Errorf("control: %v", err)
		}
		if c.waiting != nil || c.RemoteAddr() != nil {
			t.Error("something is left of it")
		}
	}
}

// A descriptor's number is given to the next connection at once. So nobody may use one
// that is closed: what is written to one connection must not reach another.
func TestBareConnNeverReachesAnother(t *testing.T) {
	t.Parallel()
	for round := range 50 {
		c, client := barePair(t)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for {
					var err error
					if i%2 == 0 {
						_, err = c.Write([]byte("A"))
					} else {
						err = bareOf(c).Write(func(uintptr) bool { return true })
					}
					if err != nil {
						return
					}
				}
			})
		}
		one := make([]byte, 1)
		io.ReadFull(client, one) //nolint:errcheck // they are at it
		c.Close()                //nolint:errcheck // a test
		other, otherClient := barePair(t)
		if _, err := other.Write([]byte("B")); err != nil {
			t.Fatal(err)
		}
		other.Close() //nolint:errcheck // a test
		wg.Wait()
		if b, err := io.ReadAll(otherClient); err != nil || string(b) != "B" {
			t.Fatalf("round %d: the other connection got %q, %v", round, b, err)
		}
		client.Close() //nolint:errcheck // a test
	}
}
