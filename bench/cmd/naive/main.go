// Command naive is the WebSocket server that one writes by hand: gorilla, one
// reading and one writing goroutine and a channel of 256 messages a socket,
// go-redis with one pattern subscription, and an HTTP call to authorize each
// connection. It is what wsgate would be without its ideas.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"
)

func main() {
	port := flag.Int("port", 0, "listen on this port of 127.0.0.1")
	redisPort := flag.Int("redis", 6379, "port of Redis on 127.0.0.1")
	auth := flag.String("auth", "", "URL that answers 200 to a good token")
	flag.Parse()
	h := newHub()
	go listen(h, *redisPort)
	s := &server{hub: h, auth: *auth, client: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 128},
	}}
	http.HandleFunc("/ws", s.serve)
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), nil))
}

// listen relays every message that Redis publishes. Receive, not the client's
// Channel, which drops messages when it falls behind.
func listen(h *hub, port int) {
	rdb := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port)})
	sub := rdb.PSubscribe(context.Background(), "*")
	for {
		m, err := sub.ReceiveMessage(context.Background())
		if err != nil {
			log.Print(err)
			continue
		}
		h.broadcast(m.Channel, []byte(m.Payload))
	}
}

type server struct {
	hub    *hub
	auth   string
	client *http.Client
}

var upgrader = websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if err := s.authorize(r); err != nil {
		http.Error(w, "not authorized", http.StatusUnauthorized)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{conn: conn, send: make(chan []byte, 256)}
	go c.write()
	c.read(s.hub)
}

func (s *server) authorize(r *http.Request) error {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.auth, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.URL.Query().Get("token"))
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
