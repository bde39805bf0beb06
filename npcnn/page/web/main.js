// The page put together. Everything is built anew when the language or the theme changes.
import { KNOWN_ACTIVATIONS } from "./engine/activations.js";
import { bytesOf, countParameters, inflated, networkOf } from "./engine/network.js";
import { backward, canGoBack, forward } from "./engine/passes.js";
import { ROOMS } from "./engine/rooms.js";
import { digits, tensor } from "./engine/tensor.js";
import { isDark } from "./draw/colors.js";
import { Answer } from "./parts/answer.js";
import { App } from "./parts/app.js";
import { Board } from "./parts/board.js";
import { button, choice, element, refill } from "./parts/dom.js";
import { Explain } from "./parts/explain.js";
import { Line } from "./parts/line.js";
import { stagesOf } from "./parts/normalise.js";
import { Source } from "./parts/source.js";
import { Tools } from "./parts/tools.js";
import { readHash, writeHash } from "./parts/address.js";
import { Walk } from "./parts/walk.js";
import { languageNow, say, setLanguage, withColon } from "./parts/words.js";

const bytes = await inflated(bytesOf(document.getElementById("numbers").textContent));
const description = JSON.parse(document.getElementById("network").textContent);
const app = new App(networkOf(description, bytes), bytes);
let parts = {};

if (description.live) app.shown = app.line = new Line(app, "A");

/** Build the page. */
function build() {
  parts.board?.remove();
  parts.tools?.remove();
  parts.walk?.remove();
  app.listeners = [];
  const board = new Board(app);
  const source = new Source(app);
  const answer = new Answer(app);
  const tools = new Tools(app, board, source);
  const explain = new Explain(app, board);
  const walk = new Walk(app, board, tools);
  parts = { board, tools, answer, explain, walk };
  refill(document.getElementById("page"), bar(board, walk),
    walk.node,
    element("div", { className: "columns" },
      element("div", { className: "left" }, tools.node, answer.node), board.node, explain.node));
  document.title = `${app.network.name} · npcnn`;
  app.listen(() => writeHash(app, languageNow()));
  if (app.ready) app.changed("numbers");
  app.changed("chosen");
}

/** Return the bar at the top. */
function bar(board, walk) {
  const views = [["output", say("output")], ["before", say("before the activation")],
    ["kernel", say("kernel")], ...(app.canGoBack ? [["gradient", say("gradient")],
      ["gradient kernel", withColon(say("gradient"), say("kernel"))]] : [])];
  const shown = choice(say("all layers show"), views, app.view, (view) => board.setView(view));
  board.onView = (view) => { shown.value = view; };
  const zoom = element("input", {
    type: "range", min: -2, max: 4, step: 1, value: Math.round(2 * Math.log2(app.zoom)),
    "aria-label": say("zoom"),
    oninput: () => { app.zoom = 2 ** (Number(zoom.value) / 2); app.changed("view"); },
  });
  return element("header", { className: "top" },
    element("h1", {}, app.network.name),
    element("span", { className: "count" },
      `${countParameters(app.network).toLocaleString("en")} ${say("parameters")}`),
    element("label", {}, `${say("all layers show")} `, shown),
    element("label", {}, `${say("zoom")} `, zoom),
    button(say("walk"), () => walk.go(app.station || 1), { className: "to-walk" }),
    button(isDark() ? say("light") : say("dark"), () => {
      document.documentElement.dataset.theme = isDark() ? "light" : "dark";
      build();
    }, { "aria-label": say("theme"), className: "to-theme" }),
    button(languageNow() === "zh" ? "English" : "中文", () => {
      setLanguage(languageNow() === "zh" ? "en" : "zh");
      build();
    }, { "aria-label": say("language"), className: "to-language", lang: languageNow() === "zh" ? "en" : "zh-CN" }));
}

/** Begin as the address says. */
function start() {
  const asked = readHash(app);
  setLanguage(asked.language ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  if (asked.theme) document.documentElement.dataset.theme = asked.theme;
  build();
  if (app.samples) app.useSample(asked.sample ?? 0);
  else app.compute();
  if (asked.station) {
    parts.walk.go(asked.station);
  } else if (asked.chosen) {
    app.choose(asked.chosen);
    parts.board.show(asked.chosen.value);
  }
}

// For the console, and for the tests.
window.npcnn = {
  KNOWN_ACTIVATIONS, ROOMS, app, backward, get board() { return parts.board; }, bytesOf, canGoBack, digits, forward, networkOf, stagesOf, tensor,
};
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
start();
