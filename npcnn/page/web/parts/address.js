// What one looks at stands behind the # of the address, so that it can be handed out.

/** Return { language, theme, sample, chosen, station } as far as the address says them and they exist. */
export function readHash(app) {
  const given = new URLSearchParams(window.location.hash.slice(1));
  const found = {};
  if (["en", "zh"].includes(given.get("lang"))) found.language = given.get("lang");
  if (["light", "dark"].includes(given.get("theme"))) found.theme = given.get("theme");
  const sample = Number(given.get("sample") ?? NaN);
  if (app.samples && Number.isInteger(sample) && sample >= 0 && sample < app.samples.count) {
    found.sample = sample;
  }
  const station = Number(given.get("station") ?? NaN);
  if (Number.isInteger(station) && station > 0) found.station = station;
  const [name, index] = (given.get("at") ?? "").split(":");
  const value = app.shapes.findIndex((_, place) => app.nameOf(place) === name);
  const size = value < 0 ? 0 : app.shapes[value].reduce((a, b) => a * b, 1);
  if (/^\d+$/.test(index) && Number(index) < size) found.chosen = { value, index: Number(index) };
  return found;
}

/** Let the address say what is looked at. */
export function writeHash(app, language) {
  const said = new URLSearchParams({ lang: language });
  const { theme } = document.documentElement.dataset;
  if (theme) said.set("theme", theme);
  if (app.sample >= 0) said.set("sample", app.sample);
  if (app.station) said.set("station", app.station);
  else if (app.chosen && !app.chosen.parameter) {
    said.set("at", `${app.nameOf(app.chosen.value)}:${app.chosen.index}`);
  }
  try {
    window.history.replaceState(null, "", `#${said}`);
  } catch { /* a browser that lets no page from disk do so, or too often */ }
}
