// An ordinary backend: it gives out tokens, says whose they are, and serves pages.

import { once } from "node:events";
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";

export async function startBackend() {
  const tokens = new Map();
  const files = new Map();
  const told = [];
  const server = createServer(async (request, response) => {
    if (files.has(request.url)) {
      const { type, body } = files.get(request.url);
      response.writeHead(200, { "Content-Type": type });
      return response.end(body);
    }
    if (request.url === "/tell") {
      told.push(JSON.parse(await text(request)));
      return response.end();
    }
    const who = tokens.get((request.headers.authorization ?? "").replace(/^Bearer /, ""));
    const active = who && who.exp > Date.now();
    response.writeHead(active ? 200 : 401, { "Content-Type": "application/json" });
    response.end(JSON.stringify(active ? who : { error: "unauthorized" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    /** What pages have posted to /tell. */
    told,
    /** Serves a file to everybody. */
    file: (path, type, body) => files.set(path, { type, body }),
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
