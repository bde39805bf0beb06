// What make_page_picture.py puts over the page: a pointer and a line of words, for a screenshot
// shows no mouse; and where things are that it points at.
const pointer = document.createElement("div");
pointer.innerHTML = '<svg width="26" height="30" viewBox="0 0 26 30"><path' +
  ' d="M3 2v21l6-5 4 9 4-2-4-9h8z" fill="#fff" stroke="#000" stroke-width="2"/></svg>';
Object.assign(pointer.style, { position: "fixed", zIndex: 99, pointerEvents: "none", left: "600px", top: "300px" });
const words = document.createElement("div");
Object.assign(words.style, { position: "fixed", zIndex: 98, pointerEvents: "none", left: 0, right: 0, bottom: 0,
  background: "#1b1d21", color: "#fff", font: "600 18px/40px system-ui, 'Noto Sans CJK SC', sans-serif",
  padding: "0 16px", textAlign: "center" });
const above = document.createElement("style"); // the words lie below what the page has at its foot
above.textContent = ".explain { bottom: 40px !important; }";
document.head.append(above);
document.body.append(words, pointer);
window.saySomething = (text) => { words.textContent = text; };
// Where a number lies on the screen, the largest of a value if none is named.
window.spotOf = (value, index) => {
  const { picture } = npcnn.board.cards[value];
  const { data } = npcnn.app.pass.values[value];
  const chosen = index ?? data.indexOf(Math.max(...data));
  const { tileOf, corner, cell, shape } = picture.layout;
  const [row, column, map] = [Math.floor(chosen / shape[2] / shape[1]), Math.floor(chosen / shape[2]) % shape[1],
    chosen % shape[2]];
  const [tile, r, c] = tileOf([row, column, map]);
  const [left, top] = corner(tile);
  const box = picture.canvas.getBoundingClientRect();
  return [box.left + left + (c + 0.5) * cell, box.top + top + (r + 0.5) * cell];
};
// The cell with the largest product among those of a window that are on the screen.
window.largestCell = () => {
  const cells = [...document.querySelectorAll(".explain .cell")].filter((cell) =>
    cell.getBoundingClientRect().bottom < innerHeight - 10);
  const sizes = cells.map((cell) => Number(cell.querySelector(".product").textContent.slice(2)));
  document.querySelectorAll(".of-film").forEach((cell) => cell.classList.remove("of-film"));
  cells[sizes.indexOf(Math.max(...sizes))].classList.add("of-film");
};
// A sample that is answered rightly with a little doubt: certainty has no gradient.
window.doubted = () => {
  for (let place = 0; place < npcnn.app.samples.count; place++) {
    npcnn.app.useSample(place);
    const share = npcnn.app.pass.outputs[0].data[npcnn.app.target];
    if (npcnn.app.answer === npcnn.app.target && share > 0.5 && share < 0.8) return;
  }
};
document.addEventListener("pointermove", (event) => {
  Object.assign(pointer.style, { left: `${event.clientX - 3}px`, top: `${event.clientY - 2}px` });
}, true);
