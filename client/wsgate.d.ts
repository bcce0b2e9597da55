/** Keeps the page connected to a socket path of wsgate, from now until `close` or
 * the end of the login. Call it once per page and export what it yields.
 *
 * @param url relative to the page, or absolute; http and https mean ws and wss
 */
export declare function connect(url: string | URL, options?: Options): Client;

export interface Client {
  /** The state of the shared socket; for the whole, it says whether this is live. */
  readonly state: State;

  /** Listens to a command, such as `data_imei:42`, until the returned function is
   * called. Listeners of one command share a socket. After the end of the login it
   * does nothing. */
  subscribe(command: string, listener: Listener, options?: SubscribeOptions): () => void;

  /** Closes every socket, for good, and without `onLogout`. */
  close(): void;
}

/** What was published: a string where that was valid UTF-8. */
export type Message = string | ArrayBuffer;

export type Listener = (message: Message) => void;

export interface SubscribeOptions {
  /** Says whether a message belongs to this command. Then the command needs no
   * socket of its own and is asked for on the shared one. */
  match?: (message: Message) => boolean;

  /** Messages may have been missed: the socket was away and is back, or the gateway
   * said so. Read again what the messages change. */
  onGap?: () => void;
}

/** `connecting` also while coming back; `closed` is final. */
export type State = "connecting" | "open" | "closed";

/** Why the login ended: a newer login elsewhere; an administrator; the token is not
 * active any more; the account is in use and the oldest login wins; anything else,
 * such as a token getter that has none. */
export type LogoutReason = "displaced" | "kicked" | "expired" | "denied" | "ended";

export type ClientError =
  /** The gateway refused a command. The last two are tried again. */
  | { code: "unknown_command" | "forbidden" | "too_many_channels" | "rate_limited" | "unavailable"; command: string }
  /** The token getter failed, or what it gave can't be sent. It is tried again. */
  | { code: "token"; cause: unknown }
  /** The gateway closed with a code after which coming back would repeat a mistake. */
  | { code: "closed"; close: number };

export interface Options {
  /** Yields the token, called before every connect. `refresh` is true where the
   * gateway closed with 4005: get a fresh one. No token (null, undefined, "") is a
   * logout. Default: no token is sent, for sites that use a cookie. */
  token?: (ask: { refresh: boolean }) => string | null | undefined | Promise<string | null | undefined>;

  /** Sends the token in this query parameter. Default: as a subprotocol, which no
   * log shows. */
  query?: string;

  /** The account watch, such as `msg:7`: sent on the shared socket. Default: none;
   * the end of the login is told without it. */
  watch?: string;

  /** With `watch`: gets every message of the shared socket. */
  onMessage?: Listener;

  /** The login has ended, and every socket is closed: go to the login page. */
  onLogout?: (reason: LogoutReason) => void;

  /** Each change of state. */
  onState?: (state: State) => void;

  onError?: (error: ClientError) => void;

  /** The gateway's `heartbeat`, ms between two, and ms to wait for a reply, twice.
   * False sends none. Default: `ping`, `pong`, 20,000, 5,000. */
  heartbeat?: false | { send?: string; reply?: string; every?: number; within?: number };

  /** The gateway's `message displaced`, `kicked` and `expired`: texts that are not
   * delivered when an ending close follows. Default: `["loginOut"]`. */
  farewell?: string[];

  /** The gateway's `message gap`: a text that is `onGap` and no message. Default:
   * none. */
  gap?: string;

  /** Bounds of the waits between two connects, ms: a random part of `minDelay`,
   * doubled each time up to `maxDelay`. Default: 500 and 20,000. */
  minDelay?: number;
  maxDelay?: number;
}
