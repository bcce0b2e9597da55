package main

import "sync"

// hub knows who listens to what.
type hub struct {
	mu       sync.RWMutex
	channels map[string]map[*client]struct{}
}

func newHub() *hub { return &hub{channels: map[string]map[*client]struct{}{}} }

func (h *hub) subscribe(c *client, channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.channels[channel] == nil {
		h.channels[channel] = map[*client]struct{}{}
	}
	h.channels[channel][c] = struct{}{}
	c.subscribed = append(c.subscribed, channel)
}

func (h *hub) remove(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range c.subscribed {
		delete(h.channels[name], c)
		if len(h.channels[name]) == 0 {
			delete(h.channels, name)
		}
	}
	close(c.send)
}

func (h *hub) broadcast(channel string, payload []byte) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.channels[channel] {
		select {
		case c.send <- payload:
		default: // slow consumer
			_ = c.conn.Close()
		}
	}
}
