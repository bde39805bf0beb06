// One scale for signed numbers: blue below 0, the paper's colour at 0, orange above. Blue and orange
// are told apart with every common kind of colour blindness; in the dark the paper is dark.

const SCALES = {
  light: [[8, 64, 129], [104, 160, 208], [248, 248, 246], [240, 160, 80], [160, 64, 0]],
  dark: [[150, 205, 255], [48, 110, 170], [20, 23, 28], [180, 95, 25], [255, 200, 130]],
};
const STEPS = 256; // on each side of 0

const tables = {};

/** Whether the page is dark now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen === "dark";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Return the colours of a theme from −1 to 1 as numbers 0xAABBGGRR, as canvases keep them. */
function tableOf(theme) {
  if (!tables[theme]) {
    tables[theme] = new Uint32Array(2 * STEPS + 1);
    for (let i = 0; i <= 2 * STEPS; i++) {
      const [r, g, b] = mixed(theme, i / (2 * STEPS));
      tables[theme][i] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    }
  }
  return tables[theme];
}

function mixed(theme, share) {
  const stops = SCALES[theme];
  const place = Math.min(share * 4, 3.999);
  const [low, part] = [Math.floor(place), place % 1];
  return stops[low].map((v, i) => Math.round(v + part * (stops[low + 1][i] - v)));
}

/** Return a function from a number to its colour for a canvas; ±limit are the ends. */
export function painter(limit) {
  const table = tableOf(isDark() ? "dark" : "light");
  const scale = STEPS / limit;
  return (value) => {
    const place = Math.round(value * scale) + STEPS;
    if (!(place >= 0)) return table[value < 0 ? 0 : STEPS]; // below the end, or no number
    return table[Math.min(place, 2 * STEPS)];
  };
}

/** Return a number's colour for a style, and one of text that can be read on it. */
export function styleOf(value, limit) {
  const share = Math.min(1, Math.max(-1, value / limit || 0));
  const [r, g, b] = mixed(isDark() ? "dark" : "light", (share + 1) / 2);
  // White and black are equally far from a light of 0.179: at least 4.5 : 1 either way.
  const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return { background: `rgb(${r}, ${g}, ${b})`, color: light > 0.179 ? "#000" : "#fff" };
}

/** Return how much light a level of sRGB, 0 to 255, stands for. */
function linear(level) {
  const share = level / 255;
  return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

/** Return the scale as a CSS gradient; from 0 on if nothing is negative. */
export function gradientOf(signed) {
  const theme = isDark() ? "dark" : "light";
  const stops = [];
  for (let i = signed ? 0 : 4; i <= 8; i++) stops.push(`rgb(${mixed(theme, i / 8).join(", ")})`);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
