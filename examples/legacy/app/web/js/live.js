// One WebSocket with one command: send it when open, hand over what arrives, and
// when the connection closes for whatever reason, try again five times, two
// seconds apart.

const MAX_RETRIES = 5;
const RETRY_MS = 2000;

export class Live {
  #ws = null;
  #timer = 0;
  #retries = 0;

  /**
   * @param {string} command sent after each open
   * @param {(text: string) => void} onText
   * @param {(state: "connecting"|"open"|"retry"|"failed"|"idle", retries: number, max: number) => void} onState
   */
  constructor(command, onText, onState) {
    this.command = command;
    this.onText = onText;
    this.onState = onState;
  }

  connect() {
    this.#say("connecting");
    const protocol = location.protocol === "https:" ? "wss" : "ws";
    const token = localStorage.getItem("token");
    const ws = new WebSocket(`${protocol}://${location.host}/ws?token=${token}`);
    this.#ws = ws;
    ws.onopen = () => {
      ws.send(this.command);
      this.#say("open");
    };
    ws.onmessage = (e) => this.onText(e.data);
    ws.onclose = () => this.#retry();
  }

  /** Closes for good. */
  close() {
    clearTimeout(this.#timer);
    if (this.#ws) {
      this.#ws.onclose = this.#ws.onmessage = this.#ws.onopen = null;
      this.#ws.close();
      this.#ws = null;
    }
    this.#say("idle");
  }

  /** Begins anew, for a user who asks for it. */
  again() {
    this.close();
    this.#retries = 0;
    this.connect();
  }

  #retry() {
    if (this.#retries >= MAX_RETRIES) {
      this.#say("failed");
      return;
    }
    this.#retries++;
    this.#say("retry");
    this.#timer = setTimeout(() => this.connect(), RETRY_MS);
  }

  #say(state) {
    this.onState(state, this.#retries, MAX_RETRIES);
  }
}
