package gate

import (
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/wire/centrifuge"
)

// speakCentrifuge makes an endpoint that of the protocol's clients for JSON, and gives
// it one for those of Protobuf.
func (ep *endpoint) speakCentrifuge(sc *Socket, o centrifuge.Options) error {
	binary := *ep
	ep.binary = &binary
	for format, one := range map[centrifuge.Format]*endpoint{centrifuge.JSON: ep, centrifuge.Protobuf: &binary} {
		options := o
		options.Format = format
		one.centrifuge, one.framing = &options, format.Framing()
		var err error
		if one.notices, err = newNotices(sc.Messages, say(format.Message)); err != nil {
			return err
		}
	}
	return nil
}

// formats are an endpoint and its like for another format, if it has one.
func (ep *endpoint) formats() []*endpoint {
	if ep.binary == nil {
		return []*endpoint{ep}
	}
	return []*endpoint{ep, ep.binary}
}

// asked is the endpoint in the format that a client asks for by a subprotocol, and that
// to answer with; "" where it asks for none.
func (ep *endpoint) asked(r *http.Request) (one *endpoint, subprotocol string) {
	if ep.centrifuge == nil {
		return ep, ""
	}
	for _, name := range websocket.Subprotocols(r) {
		for _, one := range ep.formats() {
			if name == one.centrifuge.Format.Subprotocol() {
				return one, name
			}
		}
	}
	return ep, ""
}

// address is a path in a protocol and a format: the sockets that are open in another
// one can't follow.
type address struct {
	path, protocol string
	format         centrifuge.Format
}

func (ep *endpoint) address() address {
	at := address{path: ep.name(), protocol: ep.protocol}
	if ep.centrifuge != nil {
		at.format = ep.centrifuge.Format
	}
	return at
}
