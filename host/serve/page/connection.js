// The WebSocket: news and pictures in, commands out; joins again when the server was away.

const RETRY_MS = [500, 1000, 2000, 4000];

export class Connection {
  // handlers: about, state, reply, error (messages), picture(head, blob), link(on, text)
  constructor(handlers) {
    this.handlers = handlers;
    this.tries = 0;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.tries = 0;
      this.handlers.link(true, "live");
    };
    socket.onmessage = (event) => this.take(event.data);
    socket.onclose = () => {
      const wait = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)];
      this.handlers.link(false, "no connection, trying again");
      setTimeout(() => this.open(), wait);
    };
    this.socket = socket;
  }

  take(data) {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      this.handlers[message.type]?.(message);
      return;
    }
    // Four bytes of length, a head in JSON, a JPEG.
    const length = new DataView(data).getUint32(0);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    const blob = new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" });
    this.handlers.picture(head, blob);
  }

  send(command) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(command));
  }
}
