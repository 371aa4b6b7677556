// What the widgets of a lesson share. Every sentence is Python's; these pages only draw.

/** Text in which `backticks` mark code and **stars** what matters. */
const strong = (text) => (text ?? "").split(/\*\*(.+?)\*\*/)
  .map((part, i) => (i % 2 ? h("strong", {}, rich(part)) : rich(part))).flat();

const button = (attributes, ...words) => h("button", { type: "button", ...attributes }, ...words);

/** The frame of a widget: its root, its line to Python, and `draw`, called with each new state.
 *  While Python does not answer, the buttons rest; what can be read stays. */
function furnish({ model, el }, name, draw, heard = () => {}) {
  const stop = new AbortController();
  const root = h("div", {
    class: `iamlab furniture ${name}`,
    role: "group",
    "aria-label": model.get("state").title,
  });
  let live = true;
  const line = connect(model, stop.signal, setLive, (message) => {
    heard(message);
    redraw();
  });

  function rest() {
    for (const part of root.querySelectorAll("button, input")) {
      part.disabled = !live || "off" in part.dataset;
    }
  }
  function setLive(answered) {
    live = answered;
    root.classList.toggle("dead", !live);
    rest();
  }
  function redraw() {
    const state = model.get("state");
    root.dataset.tone = state.tone ?? "";
    draw(state);
    rest();
  }
  const ask = (what, value) => line.ask({ do: what, value });

  model.on("change:state", redraw);
  stop.signal.addEventListener("abort", () => model.off("change:state", redraw));
  keepKeys(root, stop.signal);
  el.append(root);
  return { root, line, ask, redraw, signal: stop.signal, end: () => stop.abort() };
}

/** Call `look` when the widget comes into view: what it shows may have changed meanwhile. */
function whenSeen(root, signal, look) {
  const eye = new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting)) look();
  });
  eye.observe(root);
  signal.addEventListener("abort", () => eye.disconnect());
}

/** Show or hide a part by its text; the focus does not fall off the page with it. */
function offer(part, text, next) {
  const lost = !text && document.activeElement === part;
  part.hidden = !text;
  show(part, text);
  if (lost) next?.focus({ preventScroll: true });
}
