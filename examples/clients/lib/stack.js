// Caddy with wsgate, Redis and a backend, for clients of protocol plain and streams.

import { after, before } from "node:test";
import { startProxy } from "../../../core/wire/centrifuge/tests/lib/proxy.js";
import { startStack } from "../../../core/wire/centrifuge/tests/lib/stack.js";

const rules = `account msg:{account}
			channel c:{id}
			channel h:{id} {
				history 1000 1m
			}`;

const paths = `token query token
		token header Authorization Bearer
		token subprotocol
		token cookie tok
		socket /ws {
			${rules}
			channel room:{id} {
				publish
			}
			join user:{user}
			ping 1s
		}
		sse /events {
			${rules}
			join user:{user}
			ping 1s
		}`;

/** One node for the tests of a file, behind a proxy that can cut connections; prepare is
 * called when it is there. */
export function oneNode(prepare = async () => {}) {
  const it = {};
  before(async () => {
    it.stack = await startStack(paths);
    it.node = await it.stack.node();
    it.proxy = await startProxy(it.node.port);
    it.url = `http://127.0.0.1:${it.proxy.port}`;
    await prepare(it);
  });
  after(async () => {
    await it.proxy?.end();
    await it.stack?.end();
  });
  return it;
}

export { until } from "../../../core/wire/centrifuge/tests/lib/until.js";
