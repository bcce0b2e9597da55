// A TCP proxy that can cut connections and change where they go.

import { once } from "node:events";
import { createConnection, createServer } from "node:net";

export async function startProxy(target) {
  const pairs = new Set();
  const server = createServer((client) => {
    if (!proxy.target) return client.destroy();
    const upstream = createConnection({ port: proxy.target, host: "127.0.0.1" });
    const pair = { client, upstream };
    pairs.add(pair);
    const drop = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    client.on("error", drop).on("close", drop);
    upstream.on("error", drop).on("close", drop);
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = {
    port: server.address().port,
    /** The port that new connections go to; 0 refuses them. */
    target,
    /** Cuts every connection without a word: the client sees 1006. */
    cut() {
      for (const { client, upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
    },
    end() {
      proxy.cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
