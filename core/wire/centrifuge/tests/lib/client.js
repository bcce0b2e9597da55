// The official client, as an author of a page has it.

import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import { until } from "./until.js";

/** A client that ends with the test, and what has happened to it. */
export function client(t, port, options, Client = Centrifuge) {
  const sockets = [];
  class Recorded extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  }
  const c = new Client(`ws://127.0.0.1:${port}/live`, {
    websocket: Recorded,
    minReconnectDelay: 20,
    maxReconnectDelay: 200,
    ...options,
  });
  const events = [];
  for (const name of ["connecting", "connected", "disconnected", "message", "error", "publication", "subscribed", "unsubscribed"]) {
    c.on(name, (context) => events.push({ name, ...context }));
  }
  t.after(() => c.disconnect());
  const got = (name, more = () => true) => events.filter((e) => e.name === name && more(e));
  return {
    centrifuge: c,
    /** Every socket that it opened. */
    sockets,
    events,
    got,
    /** The n-th event of a name, once it is there. */
    event: (name, n = 1) => until(`${name} ${n} of ${JSON.stringify(events)}`, () => got(name)[n - 1]),
    async connect() {
      c.connect();
      await c.ready(10_000);
      return this;
    },
    /** A subscription that is in force, and what has happened to it. */
    async subscribe(channel, options) {
      const sub = subscription(c, channel, options);
      sub.subscription.subscribe();
      await sub.subscription.ready(10_000);
      return sub;
    },
  };
}

function subscription(c, channel, options) {
  const sub = c.newSubscription(channel, { minResubscribeDelay: 20, maxResubscribeDelay: 200, ...options });
  const data = [];
  const events = [];
  sub.on("publication", (p) => data.push(p.data));
  for (const name of ["subscribing", "subscribed", "unsubscribed", "error"]) {
    sub.on(name, (context) => events.push({ name, ...context }));
  }
  return {
    subscription: sub,
    /** The data of every publication so far. */
    data,
    events,
    has: (n) => until(`${n} publications of ${channel}, ${JSON.stringify(events)}`, () => data.length >= n),
    /** The last event of a name, once there are n. */
    event: (name, n = 1) => until(`${name} ${n} of ${JSON.stringify(events)}`, () => events.filter((e) => e.name === name)[n - 1]),
  };
}
