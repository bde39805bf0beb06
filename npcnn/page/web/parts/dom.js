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
