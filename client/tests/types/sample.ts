// What the types must allow, and what they must not.

import { connect, type Client, type ClientError, type LogoutReason, type Message, type State } from "../../wsgate.js";

const live: Client = connect("/ws", {
  token: async ({ refresh }) => (refresh ? "fresh" : localStorage.getItem("token")),
  query: "token",
  watch: "msg:7",
  onMessage: (message: Message) => console.log(message),
  onLogout: (reason: LogoutReason) => location.assign(`/login?why=${reason}`),
  onState: (state: State) => document.body.classList.toggle("offline", state !== "open"),
  onError: (error: ClientError) => {
    if (error.code === "token") throw error.cause;
    if (error.code === "closed") console.log(error.close.toFixed());
    else console.log(error.command.length);
  },
  heartbeat: { every: 10_000 },
  farewell: ["loginOut"],
  gap: "gap",
  minDelay: 100,
  maxDelay: 5_000,
});
const state: State = live.state;

const stop: () => void = live.subscribe("data_imei:42", (message) => {
  if (typeof message === "string") JSON.parse(message);
  else new Uint8Array(message);
});
live.subscribe("data_imei:43", () => {}, { match: (message) => message === state, onGap: stop });
live.close();

connect(new URL("wss://example.com/ws"));
connect("/ws", { token: () => "t", heartbeat: false });

// @ts-expect-error: a command is a text
live.subscribe(42, () => {});
// @ts-expect-error: the state is read only
live.state = "open";
// @ts-expect-error: options are not misspelt
connect("/ws", { onLogOut: () => {} });
// @ts-expect-error: true is no heartbeat
connect("/ws", { heartbeat: true });
// @ts-expect-error: a token is a text
connect("/ws", { token: () => 42 });
