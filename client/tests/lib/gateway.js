// A WebSocket server that does what a test tells it to.

import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { Inbox } from "./inbox.js";

/** Starts a gateway on a free port, in front of a site; it ends with the test. */
export async function gateway(t, site = createServer()) {
  const server = new WebSocketServer({
    server: site,
    verifyClient: (_, answer) => (gate.admit ? gate.admit(answer) : answer(true)),
    handleProtocols: (offered) => (offered.has("wsgate") ? "wsgate" : false),
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const sockets = new Inbox();
  const all = [];
  server.on("connection", (ws, request) => {
    const peer = new Peer(ws, request);
    all.push(peer);
    sockets.put(peer);
  });
  t.after(() => {
    for (const peer of all) peer.ws.terminate();
    site.closeAllConnections();
    return new Promise((resolve) => site.close(resolve));
  });
  const gate = {
    url: `http://127.0.0.1:${site.address().port}/ws`,
    /** The next socket that opens. */
    socket: () => sockets.take(),
    /** Every socket so far. */
    all,
    /** Where set, answers a handshake with (whether, or which status). */
    admit: undefined,
  };
  return gate;
}

class Peer {
  #commands = new Inbox();
  /** Every command so far, taken or not. */
  heard = [];

  constructor(ws, request) {
    this.ws = ws;
    this.url = request.url;
    this.offered = request.headers["sec-websocket-protocol"];
    this.closed = once(ws, "close").then(([code]) => code);
    ws.on("message", (data) => {
      this.heard.push(String(data));
      this.#commands.put(String(data));
    });
    ws.on("error", () => {}); // a close follows
  }

  /** The next command that the client sends. */
  command = () => this.#commands.take();

  /** Yields once the client has read what was sent so far. */
  async read() {
    this.ws.ping();
    await once(this.ws, "pong");
  }

  send = (...texts) => texts.forEach((text) => this.ws.send(text));
  close = (code, reason) => this.ws.close(code, reason);
}
