// A connection to the server, to one of its two networks: it outlives the parts that are built anew.
import { arrayOf, networkOf } from "../engine/network.js";
import { forward } from "../engine/passes.js";

const AGAIN = 1000; // milliseconds to the next try where the connection is lost
// While training runs, drawing takes one part in so many of the time, for both want the processor; and
// milliseconds that are waited at most.
const [SHARE, LONGEST] = [25, 1500];

export class Line {
  /** @param name of the network: "A", or "B" for the one beside it */
  constructor(app, name) {
    this.app = app;
    this.name = name;
    this.timer = 0; // to the next time that it asks for news
    this.network = networkOf(app.network.description, app.bytes); // with this network's weights
    this.header = null;
    this.state = "connecting";
    this.connect();
  }

  connect() {
    const { host, search } = window.location;
    const which = this.name === "B" ? "&network=2" : "";
    this.socket = new WebSocket(`ws://${host}/live${search}${which}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => { this.tell("connected"); this.seen(); };
    this.socket.onmessage = ({ data }) => this.heard(data);
    this.socket.onclose = () => {
      if (this.ended) return;
      this.tell("not connected");
      setTimeout(() => this.connect(), AGAIN);
    };
  }

  /** Let the network be, and hear no more of it. */
  end() {
    this.ask({ do: "pause" });
    this.ended = true;
    this.socket.close();
  }

  tell(state) {
    this.state = state;
    this.app.changed("line");
  }

  ask(wish) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify(wish));
    if (this.timer && wish.do !== "seen") this.seen(); // whoever presses a button wants to see at once
  }

  /** Say that what was told is drawn: there may be more. */
  seen() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.ask({ do: "seen" });
  }

  /** Wait until all is drawn, and then as long as is fair to the training. */
  rest(start) {
    requestAnimationFrame(() => setTimeout(() => {
      const spent = performance.now() - start;
      const pause = this.header.running ? Math.min(SHARE * spent, LONGEST) : 0;
      this.timer = setTimeout(() => this.seen(), pause);
    }));
  }

  heard(data) {
    if (typeof data === "string") {
      this.header = { ...this.header, ...JSON.parse(data) };
      this.app.changed("line");
      return;
    }
    const start = performance.now();
    const length = new DataView(data).getUint32(0, true);
    this.header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)).trim());
    const bytes = data.slice(4 + length);
    this.network.layers.forEach((layer, place) => {
      const described = this.app.described[place].parameters;
      for (const [name, where] of Object.entries(described)) {
        layer.parameters[name].data.set(arrayOf(bytes, where).data);
      }
    });
    if (this.app.shown === this) this.use();
    else this.app.changed("line");
    this.rest(start);
  }

  /** Let the cards show this network's weights, and nothing that was broken before. */
  use() {
    const { app } = this;
    app.shown = this;
    app.network.layers.forEach(({ parameters }, place) => {
      for (const [name, { data }] of Object.entries(parameters)) {
        data.set(this.network.layers[place].parameters[name].data);
      }
    });
    app.originals = null;
    app.compute();
  }

  /** Return what this network answers to what goes in; null where it is not computed here. */
  answer() {
    if (!this.header || !this.app.ready) return null;
    const [output] = forward(this.network, this.app.altered(this.app.inputs)).outputs;
    return output && output.shape.length === 1 ? output.data : null;
  }
}
