// An ordinary backend: it gives out tokens, and says whose they are.

import { once } from "node:events";
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";

export async function startBackend() {
  const tokens = new Map();
  const server = createServer((request, response) => {
    const who = tokens.get((request.headers.authorization ?? "").replace(/^Bearer /, ""));
    const active = who && who.exp > Date.now();
    response.writeHead(active ? 200 : 401, { "Content-Type": "application/json" });
    response.end(JSON.stringify(active ? who : { error: "unauthorized" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    /** A token of a login; without sid it is a new one. It is good for so many ms. */
    token(id, { sid = randomUUID(), life = 3_600_000 } = {}) {
      const token = randomUUID();
      tokens.set(token, { id, sid, exp: Date.now() + life });
      return token;
    },
    /** Another token of the same login. */
    refreshed(token, life) {
      const { id, sid } = tokens.get(token);
      return this.token(id, { sid, life });
    },
    end() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
