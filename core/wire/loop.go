package wire

// Listener is what a Loop reads for: one protocol's side of one socket. Its methods
// are called one at a time.
type Listener interface {
	// Closed says that the socket is being closed, so that nothing more should be
	// done for its client.
	Closed() bool
	// Message is told each message; p is valid until it returns.
	Message(op Opcode, p []byte)
	// End is told once that nothing more will be read.
	End()
}

// Loop reads a socket until it ends. While the socket is idle no goroutine waits for
// it, where its connection allows that. Start it once.
type Loop struct {
	conn  *Conn
	spawn func(func())
	to    Listener
	ready bool // there is something to read
	left  bool
}

// Start begins to read conn for to, and returns at once. spawn runs a function in a
// goroutine; nil is go. The conn must have its sink.
func (l *Loop) Start(conn *Conn, to Listener, spawn func(func())) {
	l.conn, l.to, l.spawn = conn, to, spawn
	if !conn.Park(l) { // most clients have not sent anything yet
		l.ready = true
		l.run()
	}
}

// Leave has the listener, in its Message, give the connection away: the loop then ends
// without a word.
func (l *Loop) Leave() { l.left = true }

// Resume implements Parked.
func (l *Loop) Resume() {
	l.ready = true
	l.run()
}

func (l *Loop) run() {
	if l.spawn != nil {
		l.spawn(l.read)
		return
	}
	go l.read()
}

// read serves until the socket is idle, or has ended.
func (l *Loop) read() {
	parked := false
	defer func() { // a panic ends the socket, too
		if !parked && !l.left {
			l.to.End()
			l.conn.Unpark()
		}
	}()
	for {
		if !l.ready {
			if parked = l.conn.Park(l); parked {
				return
			}
		}
		l.ready = false
		op, p, err := l.conn.ReadMessage()
		if err != nil {
			if _, ok := ClientClose(err); !ok {
				l.conn.Linger()
			}
			return
		}
		if l.to.Closed() {
			continue // until the client's own close frame
		}
		if l.to.Message(op, p); l.left {
			return
		}
	}
}
