// What one may do, on tabs: choose a picture, learn, replay, break.
import { Breaking } from "./breaking.js";
import { button, element, refill } from "./dom.js";
import { Learning } from "./learning.js";
import { Replay } from "./replay.js";
import { Train } from "./train.js";
import { say } from "./words.js";

export class Tools {
  constructor(app, board, source) {
    this.app = app;
    this.made = { picture: source };
    const tabs = {
      picture: () => source,
      ...(app.line ? { train: () => new Train(app) } : {}),
      learn: () => new Learning(app, board),
      ...(app.network.recording ? { replay: () => new Replay(app) } : {}),
      break: () => new Breaking(app),
    };
    this.tabs = tabs;
    this.bar = element("div", { className: "tabs", role: "tablist", "aria-label": say("what to do") });
    this.panel = element("div", { className: "panel", role: "tabpanel" });
    this.node = element("section", { className: "tools" }, this.bar, this.panel);
    app.listen(() => this.current.refresh?.());
    this.open(tabs[app.tab] ? app.tab : "picture");
  }

  get current() {
    return this.made[this.app.tab];
  }

  open(name) {
    this.app.tab = name;
    this.made[name] ??= this.tabs[name]();
    refill(this.bar, ...Object.keys(this.tabs).map((tab) => button(say(`${tab} (tab)`), () => this.open(tab), {
      role: "tab", "aria-selected": String(tab === name), "data-tab": tab,
    })));
    this.panel.replaceChildren(this.current.node);
    this.panel.setAttribute("aria-label", say(`${name} (tab)`));
    this.current.refresh?.();
  }

  remove() {
    Object.values(this.made).forEach((part) => part.remove?.());
  }
}
