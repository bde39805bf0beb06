// Elements made in one call.

/** Return an element; properties that begin with "on" are listeners, "data-…" and "aria-…" attributes. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else if (name === "style") Object.assign(node.style, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Return a button. */
export function button(label, action, properties = {}) {
  return element("button", { type: "button", onclick: action, ...properties }, label);
}

/** Return a choice among [value, label] pairs. */
export function choice(label, options, chosen, action) {
  const select = element("select", {
    "aria-label": label, onchange: () => action(select.value),
  }, ...options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  return select;
}

const REACHED = "button:not(:disabled), select, input:not([hidden]), canvas[tabindex]";

/** Return by what one part is known again after a node was filled anew. */
function likeness(node) {
  return `${node.tagName} ${node.className || node.getAttribute("aria-label") || node.textContent}`;
}

/**
 * Fill a node anew. Whoever goes by keyboard goes on where he was: what had the focus hands it to its
 * like, or to the first part that can have it.
 */
export function refill(node, ...children) {
  const before = node.contains(document.activeElement) ? document.activeElement : null;
  node.replaceChildren(...children);
  if (!before || node.contains(before)) return;
  const parts = [...node.querySelectorAll(REACHED)].filter((part) => part.checkVisibility());
  (parts.find((part) => likeness(part) === likeness(before)) ?? parts[0])?.focus({ preventScroll: true });
}

/** Return a function that runs another at most once a frame. */
export function onceAFrame(action) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      action();
    });
  };
}
