// The policy playground's page. Python judges; this shows what it says, as the learner types.

const THINK = 250; // milliseconds of peace until Python is asked for what takes longer

function render({ model, el }) {
  const stop = new AbortController();
  const kinds = model.get("kinds");
  const drafts = new Map(); // case name ("" is the learner's own) -> the texts left there
  const removed = new Map(); // slot -> the text it had: adding it again brings it back
  let current = "";
  let timer;
  // The boxes that the learner wrote in since Python last had their text. They are the learner's:
  // no late answer writes there, and only their texts are sent, so nothing of Python's is undone.
  const mine = new Set();
  let asked = new Map(); // box -> the text that Python was last asked about
  let wants = new Map(); // what else Python is to give -> {value, take}
  let taking = new Map();
  let due = false; // something is to be sent
  let fresh = false; // the advice on the page is about the texts on the page
  let names = null; // the policies' own names, when a case or a file brought others

  const verdict = makeVerdict();
  const path = makePath((slot, line) => boxes.get(`policies ${slot}`)?.go(line, 1));
  const challenge = makeChallenge((request) => {
    for (const [name, text] of Object.entries(request)) field(name).put(text, true);
  });
  const changes = makeChanges(think, (texts) => put(texts));
  const boxes = new Map(); // "policies identity", "request action", ... -> box
  const policies = h("div", { class: "policies" });
  const adders = Object.entries(kinds).map(([kind, about]) => h("button", {
    type: "button",
    "data-kind": kind,
    onclick: () => add(kind),
  }, about.label));
  const adding = h("div", { class: "adders", role: "group", "aria-label": "Add a policy" },
    h("span", { class: "part" }, "Add"), adders);
  const request = h("div", { class: "request" });
  const caseNote = h("p", { class: "note case" });
  const select = makeCases();
  const again = h("button", { type: "button", onclick: () => load(base()) }, "Start again");
  const labSaid = h("p", { class: "problem", role: "status" });
  const fromLab = h("button", {
    type: "button",
    "data-python": true,
    onclick: () => want("lab", true, (found) => {
      show(labSaid, found.problem ?? "");
      if (!found.problem) load(found);
    }),
  }, "Take the policies from the lab");
  const line = connect(model, stop.signal, setLive, settle);

  for (const [name, about] of Object.entries(model.get("fields"))) {
    const box = makeField(name, about, doing("request", name));
    boxes.set(`request ${name}`, box);
    request.append(box.root);
  }
  request.prepend(h("div", { class: "bar" }, h("span", { class: "part" }, "Request"), fromLab), labSaid);
  policies.append(adding, h("p", { class: "note" },
    "While you type, a list shows what can stand there; Ctrl+Space opens it."));

  const root = h(
    "div",
    { class: "iamlab playground", role: "group", "aria-label": "Policy playground" },
    h("div", { class: "head" }, h("span", { class: "title" }, "Policy playground"),
      h("span", { class: "tools" }, select && h("label", {}, "Ready-made ", select), again)),
    line.banner,
    caseNote,
    challenge.root,
    h("div", { class: "columns" }, policies, request),
    verdict.root,
    path.root,
    changes.root,
    makeShare(want, (state) => {
      leave("");
      load(state);
    }),
  );

  /** What only Python can do is not offered while it does not answer. */
  function setLive(live) {
    root.classList.toggle("dead", !live);
    for (const button of root.querySelectorAll("[data-python]")) button.disabled = !live;
  }

  const field = (name) => boxes.get(`request ${name}`);
  const some = (part) => [...boxes.values()].filter((box) => box.part === part);

  function base() {
    const rows = [...model.get("cases"), ...model.get("tasks")];
    return rows.find((row) => row.name === current) ?? model.get("start");
  }

  /** What a box asks of the page. */
  function doing(part, name) {
    return {
      input: () => {
        const box = boxes.get(`${part} ${name}`);
        mine.add(box);
        fresh = false;
        clearTimeout(timer);
        send();
      },
      rows: (at, take) => want("rows", { part, name, at }, take),
      frame: (slot, take) => want("frame", slot, take),
      aloud: send,
      remove: (slot) => remove(slot, true),
    };
  }

  // --- the editors ----------------------------------------------------------------------------

  const kindOf = (slot) => slot.split("-")[0];
  const order = (slot) => [Object.keys(kinds).indexOf(kindOf(slot)),
    ...(slot.split("-")[1] ?? "1").split(".").map(Number), 0];
  const before = (one, other) => {
    const [a, b] = [order(one), order(other)];
    const at = a.findIndex((number, i) => number !== b[i]);
    return at >= 0 && a[at] < b[at];
  };

  /** The editor of a slot, made if it is not there, at its place among the others. */
  function editor(slot) {
    const known = boxes.get(`policies ${slot}`);
    if (known) return known;
    const box = makePolicy(slot, kindOf(slot), kinds[kindOf(slot)], doing("policies", slot));
    const next = some("policies").map((one) => one.slot).filter((one) => before(slot, one))
      .sort((a, b) => (before(a, b) ? -1 : 1))[0];
    policies.insertBefore(box.root, next ? editor(next).root : adding);
    boxes.set(`policies ${slot}`, box);
    offer();
    return box;
  }

  function add(kind) {
    const slots = some("policies").map((box) => box.slot);
    let number = 1;
    while (slots.includes(number === 1 ? kind : `${kind}-${number}`)) number += 1;
    const slot = number === 1 ? kind : `${kind}-${number}`;
    const box = editor(slot);
    if (removed.has(slot)) box.put(removed.get(slot));
    removed.delete(slot);
    mine.add(box);
    send();
    box.focus();
  }

  function remove(slot, byHand) {
    const box = boxes.get(`policies ${slot}`);
    if (box.text.trim()) removed.set(slot, box.text);
    const held = box.root.contains(document.activeElement);
    box.root.remove();
    boxes.delete(`policies ${slot}`);
    mine.delete(box);
    offer();
    if (!byHand) return;
    mine.add({ part: "policies", name: slot, text: null });
    if (held) adders.find((one) => one.dataset.kind === box.kind).focus();
    send();
  }

  /** Offer what can still be added. */
  function offer() {
    const count = (kind) => some("policies").filter((box) => box.kind === kind).length;
    for (const one of adders) one.hidden = count(one.dataset.kind) >= kinds[one.dataset.kind].most;
  }

  // --- talking with Python ----------------------------------------------------------------------

  /** The texts of some boxes, in the shape that Python has them. */
  function texts(chosen) {
    const found = { policies: {}, request: {} };
    for (const box of chosen) found[box.part][box.name] = box.text;
    return found;
  }

  function want(name, value, take) {
    wants.set(name, { value, take });
    send();
  }

  /** Send when what is going on is done: a case fills many boxes at once. */
  function send() {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      post();
    });
  }

  /** Ask Python, one question at a time: what is written meanwhile goes when the answer is here. */
  function post() {
    if (line.waiting()) return;
    asked = new Map([...mine].map((box) => [box, box.text]));
    if (current && model.get("tasks").some((row) => row.name === current)) {
      wants.set("check", { value: current, take: challenge.tell });
    }
    taking = wants;
    wants = new Map();
    const message = { texts: texts(mine), aloud: some("policies").filter((box) => box.aloud)
      .map((box) => box.slot), want: {} };
    for (const [name, { value }] of taking) message.want[name] = value;
    if (names) message.names = names;
    names = null;
    line.ask(message);
  }

  /** Python answered: a box that still holds what it was asked about is the learner's no more. */
  function settle(message) {
    for (const [box, text] of asked) if (box.text === text) mine.delete(box);
    for (const [name, { take }] of taking) if (name in message) take(message[name]);
    if (mine.size || wants.size) send();
    else think();
  }

  /** After a moment of peace, ask for advice, and for what would have to change. */
  function think() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!fresh) want("advice", true, () => (fresh = true));
      else if (changes.wanted() && changes.isStale()) want("changes", true, changes.tell);
    }, fresh ? 2 * THINK : THINK);
  }

  /** Show the texts that came from Python, or from another view of the same widget. */
  function hear() {
    const given = { policies: model.get("policies"), request: model.get("request") };
    for (const slot of Object.keys(given.policies)) if (!isMine(slot)) editor(slot);
    for (const box of boxes.values()) {
      if (mine.has(box)) continue;
      const text = given[box.part][box.name];
      if (text === undefined && box.part === "policies" && box.slot !== "identity") {
        remove(box.slot, false);
      }
      const news = text !== box.given;
      box.given = text;
      if (news && text !== undefined && text !== box.text) box.put(text);
    }
  }

  const isMine = (slot) => [...mine].some((box) => box.part === "policies" && box.name === slot);

  /** Put texts into their boxes. What stood there stays within reach of Ctrl+Z. */
  function put({ policies: policyTexts = {}, request: fieldTexts = {} }) {
    for (const [slot, text] of Object.entries(policyTexts)) editor(slot).put(text, true);
    for (const [name, text] of Object.entries(fieldTexts)) field(name).put(text, true);
  }

  /** Show a case, a draft or a file, and nothing else. */
  function load(wanted) {
    const all = { identity: "", ...wanted.policies };
    for (const box of some("policies")) if (!(box.slot in all)) remove(box.slot, true);
    for (const box of some("policies")) box.keep(false);
    for (const box of some("request")) box.put(wanted.request[box.name] ?? "", true);
    put({ policies: all });
    for (const slot of Object.keys(all)) mine.add(editor(slot));
    for (const slot of base().given ?? []) editor(slot).keep(true);
    names = wanted.names ?? {};
    send();
  }

  // --- cases and challenges ---------------------------------------------------------------------

  function makeCases() {
    const [cases, tasks] = [model.get("cases"), model.get("tasks")];
    if (!cases.length && !tasks.length) return null;
    const options = (rows) => rows.map((row) => h("option", { value: row.name }, row.name));
    const made = h(
      "select",
      {
        onchange: () => {
          leave(made.value);
          load(drafts.get(current) ?? base());
        },
      },
      h("option", { value: "" }, "Yours"),
      h("optgroup", { label: "Cases" }, options(cases)),
      h("optgroup", { label: "Challenges" }, options(tasks)),
    );
    const shown = cases.find((row) => same(row.policies, model.get("start").policies));
    if (shown) current = made.value = shown.name;
    return made;
  }

  /** Keep what stands here as a draft, and go to another case. */
  function leave(next) {
    drafts.set(current, { ...texts(boxes.values()), names: model.get("names") });
    current = next;
    if (select) select.value = next;
    tellCase();
  }

  function tellCase() {
    const task = model.get("tasks").find((row) => row.name === current);
    caseNote.textContent = task ? "" : base().note ?? "";
    caseNote.hidden = !caseNote.textContent;
    challenge.begin(task);
  }

  function tell() {
    const result = model.get("result");
    for (const box of boxes.values()) box.tell(result);
    verdict.tell(result);
    path.tell(result);
    changes.stale();
    const task = model.get("tasks").some((row) => row.name === current);
    changes.root.hidden = task || !result.effect; // it would print the answer
    fromLab.hidden = !model.get("has_lab");
  }

  model.on("change:result change:has_lab", tell);
  model.on("change:policies change:request", hear);
  tellCase();
  editor("identity");
  hear();
  tell();
  el.append(root);
  keepKeys(root, stop.signal);
  root.addEventListener("focusin", () => want("warm", true, () => {}), { once: true });
  send();
  return () => {
    clearTimeout(timer);
    if (mine.size) line.ask({ texts: texts(mine) }); // the view goes, what was typed stays
    stop.abort();
  };
}

const same = (one, other) => {
  const full = (texts) => JSON.stringify(Object.entries(texts).filter(([, text]) => text).sort());
  return full(one) === full(other);
};

export default { render };
