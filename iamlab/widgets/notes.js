// The notes' page. What is typed goes to Python soon after; until Python has it, the browser keeps
// it, so that neither a kernel that ends nor a page that is closed takes it away.

const SOON = 500; // milliseconds after the last key

function render(page) {
  const state = () => page.model.get("state");
  const id = freshId("note");
  const field = h("textarea", { id, rows: "5", maxlength: String(state().limit), spellcheck: "true" });
  const saved = h("span", { class: "note" });
  const problem = h("p", { class: "problem", role: "status" });
  let seen = state().text; // what Python keeps, as far as this field knows
  let sent = null; // what is on its way to Python
  let timer;
  field.value = seen;

  const { root, line, ask, redraw, signal, end } = furnish(page, "notes", ({ text, problem: wrong }) => {
    if (sent === null && field.value === seen && text !== seen) {
      seen = field.value = text; // changed elsewhere, and nothing is being written here
    }
    show(saved, field.value === seen ? state().saved : state().unsaved);
    offer(problem, wrong);
  }, (message) => {
    const kept = message.kept;
    if (kept !== undefined && sent !== null) {
      // Python keeps what was sent, and below it what another window wrote meanwhile.
      const more = kept.startsWith(sent) ? kept.slice(sent.length) : "";
      if (more) field.setRangeText(more, field.value.length, field.value.length, "preserve");
      seen = kept;
    }
    sent = null;
    if (field.value === seen) localStorage.removeItem(state().draft);
    else if (kept !== undefined) soon();
  });

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(save, SOON);
  }
  function save() {
    clearTimeout(timer);
    if (field.value === seen || sent !== null) return;
    sent = field.value;
    ask("save", { text: sent, seen });
  }
  function typed() {
    try {
      localStorage.setItem(state().draft, JSON.stringify({ text: field.value, seen }));
    } catch {
      // A browser that keeps nothing: Python will.
    }
    show(saved, state().unsaved);
    soon();
  }

  field.addEventListener("input", typed);
  field.addEventListener("blur", save);
  root.append(
    h("div", { class: "head" }, h("label", { class: "title", for: id }, state().title), saved),
    line.banner,
    field,
    problem,
  );
  redraw();
  const draft = readDraft(state().draft);
  if (draft && draft.text !== seen) {
    field.value = draft.text;
    seen = draft.seen;
    typed();
  }
  if (draft?.text === seen) localStorage.removeItem(state().draft);
  whenSeen(root, signal, () => {
    if (sent === null) ask("look");
  });
  return () => {
    save();
    end();
  };
}

function readDraft(name) {
  try {
    const draft = JSON.parse(localStorage.getItem(name));
    return typeof draft?.text === "string" && typeof draft.seen === "string" ? draft : null;
  } catch {
    return null;
  }
}

export default { render };
