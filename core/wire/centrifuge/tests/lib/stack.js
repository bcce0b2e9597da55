// All there is around a client: Redis, a backend, and nodes of Caddy with wsgate.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startBackend } from "./backend.js";
import { buildCaddy, directory, freePort, run } from "./process.js";
import { startRedis } from "./redis.js";

const caddyfile = (port, redis, backend, paths) => `
{
	admin off
	auto_https off
}
http://127.0.0.1:${port} {
	wsgate {
		redis redis://127.0.0.1:${redis}
		secret for-tests-only-and-long-enough
		introspect http://127.0.0.1:${backend}/me {
			active_when status == 200
			inactive_when status == 401
			subject body.id
			session_id body.sid
			expires body.exp
			cache_ttl 1s
			negative_ttl 1s
		}
		login newest {
			refresh POST /refresh "body.token"
		}
		drain 1s
		${paths}
	}
	reverse_proxy 127.0.0.1:${backend}
}
`;

const live = `socket /live {
			protocol centrifuge
			account msg:{account}
			channel c:{id}
			channel h:{id} {
				history 1000 1m
			}
			channel room:{id} {
				publish
			}
			join user:{user}
			ping 1s
		}`;

/** Starts Redis and a backend; paths are the sockets and the like of each node. */
export async function startStack(paths = live) {
  const ends = [];
  const own = (thing) => {
    ends.push(() => thing.end());
    return thing;
  };
  const end = async () => {
    for (const e of ends.reverse()) await e();
  };
  try {
    const dir = own(await directory());
    const [exe, redis, backend] = await Promise.all([buildCaddy(dir.path), startRedis(), startBackend()]);
    own(redis);
    own(backend);
    let nodes = 0;
    return {
      redis,
      backend,
      end,
      /** Starts one more node. */
      async node() {
        const port = await freePort();
        const config = join(dir.path, `Caddyfile${nodes++}`);
        await writeFile(config, caddyfile(port, redis.port, backend.port, paths));
        const child = await run(exe, ["run", "--config", config, "--adapter", "caddyfile"], port, { HOME: dir.path, XDG_DATA_HOME: dir.path });
        return own({ port, end: child.end, log: child.log });
      },
    };
  } catch (err) {
    await end();
    throw err;
  }
}
