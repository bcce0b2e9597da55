// The browser's side of wsgate's protocol `plain`: live messages by command, and
// the end of the login when another one displaces it. See README.md.
//
// Payloads arrive as they were published and name no channel, so on one socket
// two commands can't be told apart. Hence the lines: the home line is the page's
// shared socket (the end of the login, the account watch, and subscriptions that
// bring a `match`), and each other command has a line that its listeners share.

const HOME = ""; // no command is empty

/** What the close codes that end a login mean; any other from 4500 is "ended". */
const REASONS = { 4501: "displaced", 4503: "kicked", 4504: "expired", 4505: "denied" };

/** Below 4500, the closes after which coming back would repeat the mistake. */
const MISTAKES = new Set([1000, 1002, 1003, 1007, 1008, 1009]);

const REFUSAL = /^error:(unknown_command|forbidden|too_many_channels|rate_limited|unavailable) (.+)$/s;

/** Closes a socket that seems dead. The gateway keeps a resume point for what broke
 * off; with 1000, 1001 and 1005 a page means what it says. */
const BROKEN = 4000;

const OPEN_WITHIN = 15_000; // ms for a handshake, of which introspection may take 5 s

const HEARTBEAT = { send: "ping", reply: "pong", every: 20_000, within: 5_000 };

/** Keeps the page connected to a socket path of wsgate. */
export const connect = (url, options) => new Client(url, options);

/** Calls a page's function; what it throws is the page's error, not the socket's. */
function call(fn, ...args) {
  try {
    return fn?.(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

class Client {
  state = "connecting";
  #lines = new Map(); // command or HOME -> Line
  #url;
  #token; // the one handed out last
  #expired = false; // #token was refused with 4005
  #pending; // one call of the getter serves every line that waits

  constructor(url, options = {}) {
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#url.hash = "";
    this.options = { minDelay: 500, maxDelay: 20_000, farewell: ["loginOut"], ...options };
    this.options.heartbeat = options.heartbeat !== false && { ...HEARTBEAT, ...options.heartbeat };
    globalThis.addEventListener?.("online", this.#wake);
    globalThis.document?.addEventListener("visibilitychange", this.#wake);
    this.#lines.set(HOME, new Line(this, true));
    if (options.watch) this.subscribe(options.watch, options.onMessage, { match: () => true });
  }

  /** Listens to a command until the returned function is called. */
  subscribe(command, listener, { match, onGap } = {}) {
    if (!command) throw new TypeError("wsgate: subscribe to what?");
    if (this.state === "closed") return () => {};
    const key = match ? HOME : command;
    const line = this.#lines.get(key) ?? new Line(this, false);
    this.#lines.set(key, line);
    const sub = { listener, match, onGap };
    line.add(command, sub);
    return () => {
      if (!line.remove(command, sub) || match) return;
      this.#lines.delete(key);
      line.close();
    };
  }

  /** Closes every socket, for good. */
  close() {
    globalThis.removeEventListener?.("online", this.#wake);
    globalThis.document?.removeEventListener("visibilitychange", this.#wake);
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
    this.enter("closed");
  }

  #wake = () => {
    if (globalThis.document?.hidden) return;
    for (const line of this.#lines.values()) line.wake();
  };

  // What follows is for Line.

  enter(state) {
    if (this.state === state) return;
    this.state = state;
    call(this.options.onState, state);
  }

  /** A close code that is final. */
  end(code) {
    this.close();
    const reason = REASONS[code] ?? (code >= 4500 && "ended");
    if (reason) call(this.options.onLogout, reason);
    else call(this.options.onError, { code: "closed", close: code });
  }

  token() {
    const refresh = this.#expired;
    const ask = async () => {
      this.#token = await this.options.token?.({ refresh });
      if (refresh) this.#expired = false;
      return this.#token;
    };
    return (this.#pending ??= ask().finally(() => (this.#pending = undefined)));
  }

  /** Not where another line got a fresh one since: refreshing often works once. */
  expired(token) {
    if (token === this.#token) this.#expired = true;
  }

  open(token) {
    const url = new URL(this.#url);
    if (token && this.options.query) url.searchParams.set(this.options.query, token);
    if (!token || this.options.query) return new WebSocket(url);
    const base64url = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    return new WebSocket(url, ["wsgate", `token.${base64url}`]);
  }
}

/** One socket at a time, and what is listened to on it. */
class Line {
  #client;
  #home;
  #commands = new Map(); // command -> Set of its subscriptions
  #ws;
  #open = false;
  #closed = false;
  #again = false; // it was open before
  #attempt = 0;
  #slow = false; // it waits because the gateway is overloaded
  #heard = false; // anything, since the last beat
  #missed = 0; // heartbeats in a row
  #replies = 0; // to heartbeats, still to come
  #timers = new Map(); // name -> { id, run }

  constructor(client, home) {
    this.#client = client;
    this.#home = home;
    this.#dial();
  }

  add(command, sub) {
    const subs = this.#commands.get(command);
    if (subs) return subs.add(sub);
    this.#commands.set(command, new Set([sub]));
    if (this.#open) this.#ws.send(command);
  }

  /** Yields whether that was the command's last subscription. */
  remove(command, sub) {
    const subs = this.#commands.get(command);
    if (!subs?.delete(sub) || subs.size) return false;
    this.#commands.delete(command);
    if (this.#home && this.#open) this.#ws.send(`unsubscribe ${command}`);
    return true;
  }

  close() {
    this.#closed = true;
    this.#drop(1000);
  }

  /** The page is looked at again, or the network is back. */
  wake() {
    const { minDelay } = this.#client.options;
    this.#heard = false;
    this.#missed = 0;
    if (this.#open) this.#beat();
    else if (this.#timers.has("retry") && !this.#slow) this.#after("retry", minDelay * Math.random(), () => this.#dial());
  }

  async #dial() {
    const { options } = this.#client;
    try {
      const token = await this.#client.token();
      if (this.#closed) return;
      if (options.token && !token) return this.#client.end(4500); // logged out, perhaps in another tab
      const ws = (this.#ws = this.#client.open(token));
      ws.binaryType = "arraybuffer";
      ws.onopen = () => this.#opened();
      ws.onmessage = (event) => this.#received(event.data);
      ws.onerror = () => {}; // it says nothing, and a close follows
      ws.onclose = (event) => this.#over(event.code, token);
      this.#after("open", OPEN_WITHIN, () => this.#lost());
    } catch (cause) {
      if (this.#closed) return;
      this.#retry();
      call(options.onError, { code: "token", cause });
    }
  }

  #opened() {
    const { maxDelay, heartbeat } = this.#client.options;
    this.#stop("open");
    this.#open = true;
    // Not at once: a gateway that accepts and closes must not be called in a loop.
    this.#after("stable", maxDelay, () => (this.#attempt = 0));
    if (heartbeat) this.#after("beat", heartbeat.every, () => this.#beat());
    for (const command of this.#commands.keys()) this.#ws.send(command);
    if (this.#home) this.#client.enter("open");
    if (this.#again) this.#gap();
    this.#again = true;
  }

  #gap() {
    this.#each((sub) => call(sub.onGap));
  }

  #received(data) {
    const { heartbeat, farewell, gap } = this.#client.options;
    this.#heard = true;
    this.#now("farewell");
    if (this.#closed) return;
    if (this.#replies && data === heartbeat.reply) return void this.#replies--;
    const [, code, echo] = (typeof data === "string" && REFUSAL.exec(data)) || [];
    if (code && this.#refused(code, echo)) return;
    if (gap && data === gap) return this.#gap();
    const deliver = () => this.#each((sub) => (!sub.match || call(sub.match, data)) && call(sub.listener, data));
    // Whether it is the farewell, only the close that follows can say: anybody may
    // publish the same text.
    if (farewell.includes(data)) this.#after("farewell", 2_000, deliver);
    else deliver();
  }

  /** Visits every subscription that none of those visited before has ended. */
  #each(visit) {
    for (const subs of [...this.#commands.values()]) {
      for (const sub of [...subs]) if (subs.has(sub) && !this.#closed) visit(sub);
    }
  }

  /** Yields false where the text refuses nothing that was sent. */
  #refused(code, echo) {
    const { heartbeat, onError, minDelay, maxDelay } = this.#client.options;
    if (echo.startsWith("unsubscribe ")) return true;
    const sent = [...this.#commands.keys(), heartbeat.send];
    // A long command comes back cut, at 256 bytes.
    const command = sent.find((s) => s === echo || (echo.length > 60 && s?.startsWith(echo)));
    if (!command) return false;
    if (code === "rate_limited" || code === "unavailable") {
      const again = () => this.#commands.has(command) && this.#ws.send(command);
      this.#after(`again ${command}`, minDelay + (maxDelay - minDelay) * Math.random(), again);
    }
    call(onError, { code, command });
    return true;
  }

  /** Sends a heartbeat where nothing was heard. Two in a row must be missed: after
   * a sleep, the first verdict comes before what arrived meanwhile is read. It goes
   * on in hidden pages, whose timers are merely late. */
  #beat() {
    const { heartbeat } = this.#client.options;
    if (!heartbeat) return;
    if (this.#heard) this.#missed = 0;
    else if (this.#missed++ === 2) return this.#lost();
    else this.#replies++, this.#ws.send(heartbeat.send);
    this.#after("beat", this.#heard ? heartbeat.every : heartbeat.within, () => this.#beat());
    this.#heard = false;
  }

  /** Gives the socket up: a dead one's close event may be minutes away. */
  #lost() {
    this.#now("farewell");
    this.#drop(BROKEN);
    this.#retry();
  }

  #over(code, token) {
    if (code >= 4500 || MISTAKES.has(code)) return this.#client.end(code);
    this.#now("farewell");
    this.#drop();
    if (code === 4005) this.#client.expired(token);
    this.#retry(code === 1013);
  }

  #drop(code) {
    for (const name of this.#timers.keys()) this.#stop(name);
    const ws = this.#ws;
    this.#ws = undefined;
    this.#open = this.#heard = false;
    this.#missed = this.#replies = 0;
    if (!ws) return;
    ws.onopen = ws.onmessage = ws.onclose = null;
    if (code) ws.close(code);
  }

  /** Exponential backoff with full jitter. Offline only slows it down: a gateway on
   * the same machine can be reached from what a browser calls offline. */
  #retry(slow = false) {
    if (this.#closed) return;
    const { minDelay, maxDelay } = this.#client.options;
    this.#slow = slow;
    const exponential = Math.min(maxDelay, minDelay * 2 ** this.#attempt++);
    const bound = globalThis.navigator?.onLine === false ? maxDelay : exponential;
    const delay = slow ? (maxDelay * (1 + Math.random())) / 2 : bound * Math.random();
    this.#after("retry", delay, () => this.#dial());
    if (this.#home) this.#client.enter("connecting");
  }

  #after(name, ms, fn) {
    this.#stop(name);
    const run = () => {
      this.#stop(name);
      fn();
    };
    this.#timers.set(name, { run, id: setTimeout(run, ms) });
  }

  /** Does at once what waits under that name, if anything. */
  #now(name) {
    this.#timers.get(name)?.run();
  }

  #stop(name) {
    clearTimeout(this.#timers.get(name)?.id);
    this.#timers.delete(name);
  }
}
