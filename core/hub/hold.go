package hub

// Hold asks the source for a channel ahead of a subscription, so that the caller can
// wait until messages do come before it tells a client that they will. Each Hold needs
// a Release.
func (h *Hub) Hold(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.wanted(channel) && h.source != nil {
		h.source.Subscribe(channel)
	}
	h.held[channel]++
}

// Release ends a Hold.
func (h *Hub) Release(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[channel]--; h.held[channel] > 0 {
		return
	}
	delete(h.held, channel)
	if !h.wanted(channel) && h.source != nil {
		h.source.Unsubscribe(channel)
	}
}

// wanted says whether the source was asked for a channel. It must be called with
// Hub.mu held.
func (h *Hub) wanted(channel string) bool {
	return h.channels[channel] != nil || h.held[channel] > 0 || h.history.Find(channel) != nil
}
