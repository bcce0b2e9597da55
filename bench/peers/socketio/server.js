// The Socket.IO peer: websocket transport only, the Redis adapter, and an HTTP
// call to authorize each connection, as its documentation shows them.
import { createServer } from "node:http";
import { Agent, request } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redisPort, auth] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 128 });

function authorize(token) {
  return new Promise((resolve, reject) => {
    const req = request(auth, { agent, headers: { authorization: `Bearer ${token}` } }, (res) => {
      res.resume();
      res.on("end", () => (res.statusCode === 200 ? resolve() : reject(new Error("not authorized"))));
    });
    req.on("error", reject);
    req.end();
  });
}

const pub = createClient({ url: `redis://127.0.0.1:${redisPort}` });
const sub = pub.duplicate();
await Promise.all([pub.connect(), sub.connect()]);

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });
io.adapter(createAdapter(pub, sub));
io.use((socket, next) => authorize(socket.handshake.auth.token).then(() => next(), next));
io.on("connection", (socket) => {
  socket.join(["all", socket.handshake.auth.own]);
});
http.listen(Number(port), "127.0.0.1", 4096);
