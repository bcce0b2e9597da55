// What a browser gives a page, as far as the client uses it.

import WebSocket from "ws";
import { connect } from "../../wsgate.js";
import { Inbox } from "./inbox.js";

globalThis.WebSocket = WebSocket;

/** Connects, keeps what the client calls, and closes with the test. */
export function page(t, url, options = {}) {
  const got = { states: [], logouts: [], errors: [], messages: [] };
  const client = connect(url, {
    token: () => "secret",
    onState: (state) => got.states.push(state),
    onLogout: (reason) => got.logouts.push(reason),
    onError: (error) => got.errors.push(error),
    onMessage: (message) => got.messages.push(message),
    ...options,
  });
  t.after(() => client.close());
  return { client, ...got };
}

/** A listener whose messages can be waited for. */
export function listener() {
  const inbox = new Inbox();
  const listen = (message) => inbox.put(message);
  listen.next = () => inbox.take();
  return listen;
}

/** Gives the page a window and a document; yields their events. */
export function browser(t) {
  const names = ["addEventListener", "removeEventListener", "document", "navigator"];
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { hidden: false });
  const navigator = { onLine: true };
  const fakes = {
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
    document,
    navigator,
  };
  for (const [name, value] of Object.entries(fakes)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  t.after(() => {
    for (const [name, descriptor] of before) {
      delete globalThis[name];
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    }
  });
  return {
    navigator,
    online: () => window.dispatchEvent(new Event("online")),
    show(visible) {
      document.hidden = !visible;
      document.dispatchEvent(new Event("visibilitychange"));
    },
  };
}
