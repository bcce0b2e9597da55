import { createConnection } from "node:net";
import { once } from "node:events";
import { freePort, run } from "./process.js";

/** A real redis-server without persistence, and a connection to publish on. */
export async function startRedis() {
  const port = await freePort();
  const server = await run("redis-server", ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], port);
  const conn = createConnection({ port, host: "127.0.0.1" });
  await once(conn, "connect");
  conn.setNoDelay();
  const waiting = [];
  let rest = "";
  conn.setEncoding("utf8");
  conn.on("data", (data) => {
    const lines = (rest + data).split("\r\n");
    rest = lines.pop();
    for (const line of lines) waiting.shift()(line);
  });
  return {
    port,
    /** Publishes, and yields how many connections got it. */
    publish(channel, payload) {
      const command = [Buffer.from("*3\r\n")];
      for (const part of ["PUBLISH", channel, payload].map((p) => Buffer.from(p))) {
        command.push(Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n"));
      }
      conn.write(Buffer.concat(command));
      return new Promise((resolve) => waiting.push((line) => resolve(Number(line.slice(1)))));
    },
    async end() {
      conn.destroy();
      await server.end("SIGKILL");
    },
  };
}
