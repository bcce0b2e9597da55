package hub

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/wire"
)

// crowd is n connections over loopback whose clients are bare descriptors, which
// wake nobody and are emptied by hand: what is measured is the server's side.
type crowd struct {
	server []net.Conn
	fds    []int // of server
	client []int
}

func newCrowd(t testing.TB, n int) *crowd {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	c := &crowd{}
	t.Cleanup(c.close)
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		c.client = append(c.client, fd)
		if err := unix.Connect(fd, addr); err != nil {
			t.Fatal(err)
		}
		sc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.server = append(c.server, sc)
		rc, err := sc.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		rc.Control(func(fd uintptr) { c.fds = append(c.fds, int(fd)) }) //nolint:errcheck // it is open
	}
	return c
}

// close may be called again.
func (c *crowd) close() {
	for i := range c.client {
		unix.Close(c.client[i])
		c.server[i].Close()
	}
	c.client = nil
}

// empty throws away what the clients have received. It returns how much that was.
func (c *crowd) empty() (n int) {
	b := make([]byte, 1<<20)
	for _, fd := range c.client {
		for {
			m, _, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
			if m <= 0 || err != nil {
				break
			}
			n += m
		}
	}
	return n
}

// room is how many bytes each client's kernel buffers hold with ease.
const room = 32 << 10

// compare times rounds of the hub beside rounds of its floors, taking turns on the
// same connections, by the CPU time of the thread: so a busy machine, or a
// frequency that changes, hits all alike. Floor is write(2) for each socket from a
// bare loop, without telling the scheduler; conn is the same through net.Conn, what a careful server in Go does.
func (c *crowd) compare(b *testing.B, deliveries, bytes int, floor, conn, hub func()) {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	every := max(1, room/(3*bytes))
	var spent [3]time.Duration
	run := [3]func(){floor, conn, hub}
	for _, f := range run {
		f() // warm
	}
	c.empty()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		for j := range run {
			k := (i + j) % len(run) // none is always after the same other
			begin := threadTime()
			run[k]()
			spent[k] += threadTime() - begin
		}
		if i%every == every-1 {
			b.StopTimer()
			c.empty()
			b.StartTimer()
		}
	}
	b.StopTimer()
	c.empty()
	n := float64(b.N * deliveries)
	b.ReportMetric(float64(spent[0])/n, "floor-ns")
	b.ReportMetric(float64(spent[1])/n, "conn-ns")
	b.ReportMetric(float64(spent[2])/n, "hub-ns")
	b.ReportMetric(float64(spent[2])/float64(spent[0]), "ratio")
}

func rawWrite(b *testing.B, fd int, p []byte) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 || int(n) != len(p) {
		b.Fatalf("the floor wrote %d of %d: %v", int(n), len(p), errno)
	}
}

func threadTime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) //nolint:errcheck // it can't fail
	return time.Duration(ts.Nano())
}

// BenchmarkBroadcast is one channel for everyone.
func BenchmarkBroadcast(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 128)
	for _, n := range []int{1, 100, 5000} {
		c := newCrowd(b, n)
		h := newHub(b, Options{})
		for _, s := range c.server {
			h.Subscribe(h.Attach(s, Meta{Ping: time.Hour}), "a", asText{})
		}
		for _, messages := range []int{1, 64} {
			frames := []byte(nil)
			for range messages {
				frames = wire.AppendText(frames, payload)
			}
			b.Run(fmt.Sprintf("sockets=%d/messages=%d", n, messages), func(b *testing.B) {
				c.compare(b, messages*n, len(frames), func() {
					for _, fd := range c.fds {
						rawWrite(b, fd, frames)
					}
				}, func() {
					for _, s := range c.server {
						s.Write(frames) //nolint:errcheck // the buffers have room
					}
				}, func() {
					for range messages {
						h.Broadcast("a", payload)
					}
					h.Flush()
				})
			})
		}
		if st := h.Stats(); st.Slow > 0 || h.Count() != n {
			b.Errorf("%d of %d sockets are left, %+v", h.Count(), n, st)
		}
		h.Close()
		c.close()
	}
}

// BenchmarkOwnChannels is 5,000 sockets with a channel each, and one message each
// for 400 of them at a time, about what pubsub's buffer holds.
func BenchmarkOwnChannels(b *testing.B) {
	const sockets, batch = 5000, 400
	payload := bytes.Repeat([]byte("x"), 128)
	frame := wire.AppendText(nil, payload)
	c := newCrowd(b, sockets)
	h := newHub(b, Options{})
	names := make([]string, sockets)
	for i, s := range c.server {
		names[i] = "own:" + strconv.Itoa(i)
		h.Subscribe(h.Attach(s, Meta{Ping: time.Hour}), names[i], asText{})
	}
	var at [3]int
	each := func(k int, f func(i int)) {
		for range batch {
			f(at[k] % sockets)
			at[k]++
		}
	}
	c.compare(b, batch, len(frame), func() {
		each(0, func(i int) { rawWrite(b, c.fds[i], frame) })
	}, func() {
		each(1, func(i int) { c.server[i].Write(frame) }) //nolint:errcheck // the buffers have room
	}, func() {
		each(2, func(i int) { h.Broadcast(names[i], payload) })
		h.Flush()
	})
}

// asText is plain's encoder.
type asText struct{}

func (asText) Append(dst []byte, m *Message) []byte { return wire.AppendText(dst, m.Payload) }

// BenchmarkMerge is the work on top of one write: 64 messages of 4 channels for
// one socket.
func BenchmarkMerge(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 128)
	h := newHub(b, Options{})
	s := h.Attach(&sunkForever{}, Meta{})
	s.raw = nowhere{}
	for _, ch := range []string{"a", "b", "c", "d"} {
		h.Subscribe(s, ch, asText{})
	}
	b.ReportAllocs()
	for b.Loop() {
		for range 16 {
			for _, ch := range []string{"a", "b", "c", "d"} {
				h.Broadcast(ch, payload)
			}
		}
		h.Flush()
	}
}

// sunkForever and nowhere are a connection that takes everything at no cost.
type sunkForever struct{ net.Conn }

func (sunkForever) Close() error { return nil }

type nowhere struct{ syscall.RawConn }

func (nowhere) Write(f func(uintptr) bool) error {
	f(uintptr(devNull))
	return nil
}

var devNull, _ = unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)

// The hot path allocates nothing, once it is warm: broadcast, flush, and a write
// to each of many sockets, over one channel and over several.
func TestBroadcastAllocatesNothing(t *testing.T) {
	h := newHub(t, Options{})
	payload := bytes.Repeat([]byte("x"), 128)
	for range 50 {
		s := h.Attach(&sunkForever{}, Meta{})
		s.raw = nowhere{}
		h.Subscribe(s, "a", asText{})
		h.Subscribe(s, "b", asText{})
	}
	for _, channels := range [][]string{{"a"}, {"a", "b"}} {
		run := func() {
			for _, ch := range channels {
				h.Broadcast(ch, payload)
				h.Broadcast(ch, payload)
			}
			h.Flush()
		}
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("channels %v: %v allocations", channels, n)
		}
	}
	s := h.Attach(&sunkForever{}, Meta{})
	s.raw = nowhere{}
	if n := testing.AllocsPerRun(100, func() { s.Send(WebSocket.Ping) }); n != 0 {
		t.Errorf("Send: %v allocations", n)
	}
}

// A history costs one copy of the payload.
func TestHistoryAllocatesOneCopy(t *testing.T) {
	h := newHub(t, Options{})
	s := h.Attach(&sunkForever{}, Meta{})
	s.raw = nowhere{}
	h.SubscribeFrom(s, "a", asText{}, From{Keep: history.Keep{Messages: 64, For: time.Hour}}, nil)
	payload := bytes.Repeat([]byte("x"), 128)
	run := func() {
		h.Broadcast("a", payload)
		h.Flush()
	}
	for range 100 {
		run()
	}
	if n := testing.AllocsPerRun(1000, run); n != 1 {
		t.Errorf("%v allocations a message", n)
	}
}

// BenchmarkIdleMemory reports what an idle socket costs in this package's heap:
// attached, in a login, with an own and a shared channel.
func BenchmarkIdleMemory(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		h := newHub(b, Options{})
		before := heap()
		for i := range n {
			s := h.Attach(&sunkForever{}, Meta{Login: login4(i), Account: "a", IP: "127.0.0.1"})
			h.Subscribe(s, "own:"+strconv.Itoa(i), asText{})
			h.Subscribe(s, "all", asText{})
		}
		b.ReportMetric(float64(heap()-before)/n, "B/socket")
		h.Close()
	}
}

func login4(i int) (f [32]byte) {
	f[0], f[1] = byte(i), byte(i>>8)+1
	return f
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
