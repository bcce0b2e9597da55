package proctest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/proctest"
)

func TestClientSaysWhatCame(t *testing.T) {
	t.Parallel()
	up := websocket.Upgrader{Subprotocols: []string{"two"}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") == "" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			if string(p) == "bye" {
				_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4501, "gone"))
				continue
			}
			_ = c.WriteMessage(kind, p)
		}
	}))
	t.Cleanup(srv.Close)

	if res := proctest.Refused(t, srv.URL); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("refused with %s", res.Status)
	}
	c := proctest.Dial(t, srv.URL, proctest.WithHeader("X-Key", "1"), proctest.WithSubprotocols("one", "two"))
	if got := c.Response.Header.Get("Sec-WebSocket-Protocol"); got != "two" {
		t.Errorf("subprotocol %q", got)
	}
	c.Send("hello")
	c.Expect("hello")
	c.ExpectNothing(20 * time.Millisecond)
	c.Send("again")
	if got := c.Next(); got != "again" {
		t.Errorf("next is %q", got)
	}
	c.Send("bye")
	c.ExpectClose(4501)

	c = proctest.Dial(t, srv.URL, proctest.WithHeader("X-Key", "1"))
	c.SendClose(1000, "")
	c.ExpectClose(1000)
}
