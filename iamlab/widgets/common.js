// What the widgets share: building elements from text, and knowing whether Python still answers.

/** Build an element. `props` are attributes, except "on…" functions; children are text or elements.
 *  Text is only ever put in as text, so nothing a learner types can become part of the page. */
function h(tag, props = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") el.addEventListener(name.slice(2), value);
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return el;
}

/** Text in which `backticks` mark code. */
const rich = (text) => (text ?? "").split(/`([^`]*)`/)
  .map((part, i) => (i % 2 ? h("code", {}, part) : part));

/** An id that is unique on the page, also when a widget is shown twice. */
let iamlabCount = Math.floor(Math.random() * 1e6);
const freshId = (name) => `iamlab-${name}-${++iamlabCount}`;

/** Keep from JupyterLab the keys that mean something inside a widget: letters (b would add a cell),
 *  arrows, Enter (Shift+Enter would run the cell anew, and what was typed would be gone) and undo.
 *  Ctrl+S, Escape and the like stay JupyterLab's. Its listener sits on the document and skips a
 *  focused element that has the attribute, so the attribute is set just before it. */
function keepKeys(root, signal) {
  window.addEventListener("keydown", (event) => {
    if (!root.contains(event.target)) return;
    const chord = event.ctrlKey || event.metaKey || event.altKey;
    // Escape closes an open list of suggestions before it is JupyterLab's.
    const escape = event.key === "Escape" && !root.querySelector(".suggestions:not([hidden])");
    const ours = !escape && (!chord || /^(z|y|Enter)$/i.test(event.key));
    event.target.toggleAttribute("data-lm-suppress-shortcuts", ours);
  }, { capture: true, signal });
  // Nor does it let Enter begin a new line in a text area that lies in an output.
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("textarea")) event.stopPropagation();
  }, { signal });
  // JupyterLab forbids the browser's undo everywhere in a notebook; here there is one to use.
  window.addEventListener("beforeinput", (event) => {
    if (/^history/.test(event.inputType) && root.contains(event.target)) event.stopPropagation();
  }, { capture: true, signal });
}

/** Put text or elements in place of what was there, only if it changed: a screen reader hears
 *  a live region each time it is written. */
function show(el, ...children) {
  const key = children.map((c) => (typeof c === "string" ? c : c.outerHTML)).join("\u0000");
  if (el.iamlabShown === key) return;
  el.iamlabShown = key;
  el.replaceChildren(...children);
}

/** Replace the text of a field so that Ctrl+Z brings the old text back. */
function typeInto(field, text) {
  if (field.value === text) return;
  const before = document.activeElement;
  field.focus({ preventScroll: true });
  field.select();
  // execCommand is old, but the only way that keeps the browser's own undo. It writes where the
  // focus is: a field that cannot have it (in a closed part of the page) is written directly.
  if (document.activeElement === field) {
    if (text === "") document.execCommand("delete");
    else document.execCommand("insertText", false, text);
  }
  if (field.value !== text) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.setSelectionRange(0, 0);
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
}

/** Copy text. Browsers offer the clipboard only on https and on this machine: else the old way. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = h("textarea", { "aria-hidden": "true", class: "iamlab-offpage" });
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
}

const PATIENCE = 4000; // milliseconds until a silence is spoken of
const SILENT = "Waiting for Python. If a cell is still running, this goes on when it is done. "
  + "If nothing happens, run the cell that starts the lab, then run this cell again.";
const GONE = "Start the lab again: Python was restarted, so this widget no longer answers. "
  + "Run the cell that starts the lab, then run this cell again.";

/** Talk to Python, and say so on the page when it does not answer.
 *  `onLive(false)` is called when Python does not answer, `onLive(true)` when it does, and
 *  `onAnswer(message)` when the last question was answered. */
function connect(model, signal, onLive, onAnswer) {
  const banner = h("p", { class: "iamlab-banner", role: "status", hidden: true });
  let last = {}; // the last question; its name is its own, as all views hear every answer
  let open = false;
  let gone = false;
  let timer;

  function tell(text) {
    banner.hidden = !text;
    show(banner, text);
    onLive(!text);
  }
  function dead() {
    clearTimeout(timer);
    gone = true;
    tell(GONE);
  }
  function post(message) {
    try {
      model.send(message);
    } catch {
      dead();
    }
  }
  /** A lost line may have taken the question with it: ask again. Python hears each only once. */
  function silent() {
    tell(SILENT);
    timer = setTimeout(silent, PATIENCE);
    post({ ...last, again: true });
  }
  function ask(message = {}) {
    if (gone) return;
    last = { ...message, ping: freshId("ping") };
    if (!open) timer = setTimeout(silent, PATIENCE);
    open = true;
    post(last);
  }
  model.on("msg:custom", (message) => {
    if (message.pong !== last.ping || !open || gone) return;
    clearTimeout(timer);
    open = false;
    tell("");
    onAnswer(message);
  });
  // JupyterLab tells each model when the kernel behind it was restarted.
  model.on("comm_live_update", () => dead());
  signal.addEventListener("abort", () => clearTimeout(timer));
  return { banner, ask, waiting: () => open, gone: () => gone };
}

const clockText = (ms) => new Date(ms).toISOString().slice(11, 19);
const dayText = (ms) => new Date(ms).toISOString().slice(0, 10);

/** The speeds of the lab's clock, as radio buttons. `show` takes Python's word; a late answer to an
 *  older question does not undo the learner's choice: only `heard`, the answer to the last one. */
function makeSpeeds(speeds, onChoose) {
  const name = freshId("speed");
  let chosen = null; // what the learner chose, until Python answered
  const inputs = speeds.map((speed) => h("input", {
    type: "radio",
    name,
    value: String(speed),
    id: freshId("speed"),
    onchange: () => {
      chosen = speed;
      onChoose(speed);
    },
  }));
  const labels = speeds.map((speed, i) => h("span", {}, inputs[i],
    h("label", { for: inputs[i].id }, speed === 0 ? "Pause" : `${speed}×`)));
  function show(speed) {
    for (const input of inputs) input.checked = Number(input.value) === (chosen ?? speed);
  }
  function heard(speed) {
    chosen = null;
    show(speed);
  }
  const root = h("fieldset", { class: "speeds" },
    h("legend", {}, "Speed of the lab's clock"), labels);
  return { root, inputs, show, heard };
}

/** One call in a list: when it was made, what it was, and what AWS answered. */
function callRow(row) {
  return h(
    "li",
    { class: row.ok ? "ok" : "no" },
    h("span", { class: "chip" },
      h("span", { "aria-hidden": "true" }, row.ok ? "✓ " : "✗ "), row.word ?? (row.ok ? "worked" : "refused")),
    h("time", { datetime: row.at }, clockText(Date.parse(row.at))),
    h("span", {}, h("b", {}, row.what), ` ${row.said}`),
  );
}
