// All cards, the links that a pointer lights up, and the tooltip.
import { lanesOf, railOf } from "../draw/rail.js";
import { seenFrom } from "../draw/seen.js";
import { digits } from "../engine/tensor.js";
import { Card } from "./card.js";
import { element, onceAFrame } from "./dom.js";
import { placeText, say, withColon } from "./words.js";

const MARGIN = 24; // pixels that are seen below a number

export class Board {
  constructor(app) {
    this.app = app;
    const { rows, width } = lanesOf(app.network);
    this.cards = rows.map((row, value) =>
      new Card(app, value, railOf(row, width), (card, index, event) => this.hover(card, index, event)));
    this.node = element("main", { className: "board", "aria-label": say("the network") },
      ...this.cards.map((card) => card.node));
    this.node.style.setProperty("--rail", `${width}px`);
    this.tip = element("div", { className: "tip", hidden: true, role: "status" });
    document.body.append(this.tip);
    this.watch();
    this.refresh = onceAFrame(() => this.cards.forEach((card) => card.redraw()));
    app.listen((what) => {
      if (what === "numbers" || what === "view") this.refresh();
      if (what === "chosen") this.showChosen();
    });
  }

  /** Draw cards when they come on the screen, and again when they become wider. */
  watch() {
    const of = new Map(this.cards.map((card) => [card.node, card]));
    this.seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const card = of.get(target);
        card.visible = isIntersecting;
        if (isIntersecting && card.stale) card.draw();
      }
    }, { rootMargin: "400px" });
    this.cards.forEach((card) => this.seen.observe(card.node));
    let width = 0;
    this.sized = new ResizeObserver(() => {
      if (this.node.clientWidth === width) return;
      width = this.node.clientWidth;
      this.refresh();
    });
    this.sized.observe(this.node);
  }

  remove() {
    this.seen.disconnect();
    this.sized.disconnect();
    this.tip.remove();
  }

  /** Let every card show a view, or its output where it lacks it. */
  setView(view) {
    this.app.view = view;
    this.onView?.(view);
    this.cards.forEach((card) => card.setView(view));
  }

  hover(card, index, event) {
    card.picture.markIndex("hover", index);
    this.tip.hidden = index < 0;
    this.markSeen(index >= 0 && card.showsValue ? { value: card.value, index } : this.app.chosen);
    if (index < 0) return;
    const { array } = card.picture;
    this.tip.textContent = withColon(placeText(index, array.shape), digits(array.data[index]));
    const box = card.picture.canvas.getBoundingClientRect();
    const [x, y] = event ? [event.clientX, event.clientY] : [box.left + 10, box.top + 10];
    this.tip.style.left = `${Math.min(x + 14, window.innerWidth - this.tip.offsetWidth - 8)}px`;
    this.tip.style.top = `${Math.max(8, y - this.tip.offsetHeight - 10)}px`;
  }

  /** Light up in every card what a number hangs on. */
  markSeen(of) {
    const found = of && !of.parameter ? seenFrom(this.app.network, of.value, of.index) : new Map();
    this.cards.forEach((card) => card.markSeen(found.get(card.value)));
  }

  showChosen() {
    const { chosen } = this.app;
    if (chosen && !chosen.parameter) {
      const card = this.cards[chosen.value];
      if (!card.showsValue) card.setView("output");
    }
    this.cards.forEach((card) => card.markChosen());
    this.markSeen(chosen);
  }

  /** Bring a card to the middle of the screen; where the panel lies below, to the top. */
  show(value) {
    // The cards above are as high as they will be, or what is shown would move on.
    this.cards.slice(0, value + 1).forEach((card) => { if (card.stale) card.draw(); });
    const block = window.innerWidth < 1100 ? "start" : "center";
    const card = this.cards[value];
    card?.node.scrollIntoView({ block, behavior: "auto" });
    if (card) this.uncover(card);
  }

  /** Bring the number that is looked at into a picture that scrolls, and above the panel below. */
  uncover({ picture, scroll }) {
    const [box] = picture.marks.chosen;
    if (!box) return;
    const [left, top, width, height] = box;
    scroll.scrollTo(left + width / 2 - scroll.clientWidth / 2, top + height / 2 - scroll.clientHeight / 2);
    const panel = document.querySelector(".explain");
    if (window.innerWidth >= 1100 || !panel?.offsetHeight) return;
    const foot = picture.canvas.getBoundingClientRect().top + top + height + MARGIN;
    window.scrollBy(0, Math.max(0, foot - (window.innerHeight - panel.offsetHeight)));
  }
}
