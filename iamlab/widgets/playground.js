// The policy playground's page. Python judges; this shows what it says, as the learner types.

const WAIT = 50; // milliseconds without a key press before Python is asked

const VERDICT_SIGN = { allowed: "✓", implicitDeny: "✗", explicitDeny: "✗" };
const OUTCOME_SIGN = { allow: "✓", explicitDeny: "✗", implicitDeny: "–", notAsked: "·" };

function render({ model, el }) {
  const stop = new AbortController();
  const kinds = model.get("kinds");
  const drafts = new Map(); // case name ("" is the learner's own) -> the texts left there
  let current = "";
  let timer;
  // The boxes that the learner wrote in since Python last had their text. They are the learner's:
  // no late answer writes there, and only their texts are sent, so nothing of Python's is undone.
  const mine = new Set();
  let asked = new Map(); // box -> the text that Python was last asked about

  const verdict = makeVerdict();
  const editors = makeBoxes("policies", kinds, makePolicy);
  const fields = makeBoxes("request", model.get("fields"), makeField);
  const boxes = [...Object.values(editors), ...Object.values(fields)];
  const caseNote = h("p", { class: "note case" });
  const again = h("button", { type: "button", onclick: () => load(base()) }, "Start again");
  const line = connect(
    model, stop.signal, (live) => root.classList.toggle("dead", !live), settle,
  );

  const root = h(
    "div",
    { class: "iamlab playground", role: "group", "aria-label": "Policy playground" },
    h(
      "div",
      { class: "head" },
      h("span", { class: "title" }, "Policy playground"),
      h("span", { class: "tools" }, makeCases(), again),
    ),
    line.banner,
    caseNote,
    h(
      "div",
      { class: "columns" },
      h("div", { class: "policies" }, Object.values(editors).map((editor) => editor.root)),
      h("div", { class: "request" }, h("span", { class: "part" }, "Request"),
        Object.values(fields).map((field) => field.root)),
    ),
    verdict.root,
  );

  function base() {
    return model.get("cases").find((row) => row.name === current) ?? model.get("start");
  }

  function makeBoxes(part, rows, make) {
    return Object.fromEntries(Object.entries(rows).map(([name, about]) => {
      const box = make(name, about, () => {
        mine.add(box);
        later();
      });
      return [name, Object.assign(box, { part, name })];
    }));
  }

  /** The texts of some boxes, in the shape that Python has them. */
  function texts(some) {
    const found = { policies: {}, request: {} };
    for (const box of some) found[box.part][box.name] = box.text;
    return found;
  }

  /** Show a case or a draft. What stood there stays within reach of Ctrl+Z. */
  function load(wanted) {
    for (const box of boxes) {
      box.put(wanted[box.part][box.name] ?? "", true);
      box.offer(box.name in wanted[box.part]);
    }
    send();
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(send, WAIT);
  }

  /** Ask Python, one question at a time: what is written meanwhile goes when the answer is here. */
  function send() {
    clearTimeout(timer);
    if (line.waiting()) return;
    asked = new Map([...mine].map((box) => [box, box.text]));
    line.ask({ texts: texts(mine) });
  }

  /** Python answered: a box that still holds what it was asked about is the learner's no more. */
  function settle() {
    for (const [box, text] of asked) if (box.text === text) mine.delete(box);
    if (mine.size) later();
  }

  /** Show the texts that came from Python, or from another view of the same widget. */
  function hear() {
    for (const box of boxes) {
      const given = model.get(box.part);
      const text = given[box.name] ?? "";
      const news = text !== box.given;
      box.given = text;
      if (!news || mine.has(box) || text === box.text) continue;
      box.put(text);
      box.offer(box.name in given);
    }
  }

  function makeCases() {
    const cases = model.get("cases");
    if (!cases.length) return null;
    const select = h(
      "select",
      {
        onchange: () => {
          drafts.set(current, texts(boxes.filter((box) => !box.root.hidden)));
          current = select.value;
          caseNote.textContent = base().note ?? "";
          load(drafts.get(current) ?? base());
        },
      },
      h("option", { value: "" }, "Yours"),
      cases.map((row) => h("option", { value: row.name }, row.name)),
    );
    const shown = cases.find((row) => same(row.policies, model.get("start").policies));
    if (shown) {
      current = select.value = shown.name;
      caseNote.textContent = shown.note;
    }
    return h("label", {}, "Ready-made case ", select);
  }

  function tell() {
    const result = model.get("result");
    for (const [kind, editor] of Object.entries(editors)) {
      editor.tell(
        result.problems?.[kind] ?? [],
        result.advice?.[kind] ?? [],
        result.deciding?.[kind] ?? [],
        result.names?.[kind],
      );
    }
    for (const [name, field] of Object.entries(fields)) field.tell(result.fields?.[name] ?? "");
    verdict.tell(result);
  }

  model.on("change:result", tell);
  model.on("change:policies change:request", hear);
  for (const editor of Object.values(editors)) editor.offer(editor.name in model.get("policies"));
  hear();
  tell();
  el.append(root);
  keepKeys(root, stop.signal);
  line.ask();
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

/** One policy: its editor, its buttons and what is to be said about it. */
function makePolicy(kind, about, onInput) {
  const findings = h("ul", { class: "findings", id: freshId("findings") });
  const editor = makeEditor({ label: about.label, describedBy: findings.id, onInput });
  const done = h("span", { class: "done", role: "status" });
  const name = h("span", { class: "part" }, about.label);
  const say = (text) => {
    done.textContent = text;
    setTimeout(() => (done.textContent = ""), 2500);
  };
  const format = h("button", {
    type: "button",
    "aria-label": `Format the ${about.label.toLowerCase()}`,
    onclick: () => {
      try {
        editor.put(JSON.stringify(JSON.parse(editor.text), null, 2), true);
      } catch {
        say("mend the mistake first"); // it was typed a moment ago: Python has not said so yet
      }
    },
  }, "Format");
  const copy = h("button", {
    type: "button",
    "aria-label": `Copy the ${about.label.toLowerCase()}`,
    onclick: async () => say((await copyText(editor.text)) ? "copied" : "copying is not allowed"),
  }, "Copy");
  const tools = h("div", { class: "tools" }, done, format, copy);
  const title = [name, h("span", { class: "note" }, about.note)];
  // The identity policy is always open; another kind can be put away.
  const root = kind === "identity"
    ? h("div", { class: "policy" }, h("div", { class: "bar" }, title, tools), editor.root, findings)
    : h("details", { class: "policy" }, h("summary", {}, title), tools, editor.root, findings);

  return {
    root,
    put(text, undo) {
      if (text) {
        root.hidden = false;
        root.open = true;
      }
      editor.put(text, undo);
    },
    get text() {
      return editor.text;
    },
    /** Show this kind at all? One that holds text stays. */
    offer(wanted) {
      root.hidden = !wanted && !editor.text;
    },
    tell(problems, advice, deciding, called) {
      const marks = new Map(); // the gravest last: one mark a line
      deciding.forEach((at) => marks.set(at, { kind: "decided" }));
      advice.forEach((row) => row.line && marks.set(row.line, { kind: "hint" }));
      problems.forEach((row) => row.line && marks.set(row.line, { kind: "bad", column: row.column }));
      editor.mark(marks);
      name.textContent = called ?? about.label;
      format.disabled = problems.length > 0 || !editor.text.trim();
      const rows = [...problems.map((row) => [row, "bad"]), ...advice.map((row) => [row, "hint"])];
      show(findings, ...rows.map(([row, sign]) => finding(row, sign, editor)));
    },
  };
}

function finding(row, sign, editor) {
  const place = row.line ? `Line ${row.line}${row.column ? `, column ${row.column}` : ""}` : "";
  return h(
    "li",
    { class: sign },
    h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[sign]),
    h(
      "span",
      {},
      sign === "bad" ? "Mistake. " : "Advice. ",
      place && h("button", {
        type: "button",
        class: "link",
        onclick: () => editor.go(row.line, row.column),
      }, place),
      place ? ": " : "",
      rich(row.message),
      " ",
      rich(row.hint),
    ),
  );
}

/** One field of the request. */
function makeField(name, about, onInput) {
  const id = freshId("field");
  const problem = h("p", { class: "problem", id: freshId("problem"), hidden: true });
  const long = name === "context";
  const box = h(long ? "textarea" : "input", {
    id,
    type: long ? null : "text",
    rows: long ? "4" : null,
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    "aria-describedby": problem.id,
    oninput: onInput,
  });
  const note = h("span", { class: "note" }, about.note);
  const root = h("div", { class: "field" }, h("label", { for: id }, about.label, " ", note), box,
    problem);
  return {
    root,
    get text() {
      return box.value;
    },
    put(text, undo) {
      if (undo) typeInto(box, text);
      else box.value = text;
    },
    offer() {}, // a field is always there
    tell(text) {
      problem.textContent = text;
      problem.hidden = !text;
      box.setAttribute("aria-invalid", String(Boolean(text)));
    },
  };
}

/** The verdict in one sentence, and under it what each kind of policy said. */
function makeVerdict() {
  const said = h("div", { class: "said", role: "status" });
  const steps = h("ol", { class: "steps" });
  const warnings = h("ul", { class: "findings" });
  const path = h("div", { class: "path" }, h("span", { class: "part" }, "How AWS comes to it"), steps);
  const root = h("div", { class: "verdict" }, said, path, warnings);
  return {
    root,
    tell(result) {
      root.dataset.effect = result.effect ?? "none";
      show(
        said,
        h("span", { class: "sign", "aria-hidden": "true" }, VERDICT_SIGN[result.effect] ?? "…"),
        h("span", { class: "headline" }, result.headline ?? ""),
        h("span", { class: "sentence" }, rich(result.sentence)),
      );
      path.hidden = !result.steps?.length;
      const asked = (result.steps ?? []).filter((row) => !row.absent);
      const rest = (result.steps ?? []).filter((row) => row.absent);
      show(steps, ...asked.map(step), ...(rest.length ? [absent(rest)] : []));
      show(warnings, ...(result.warnings ?? []).map((text) => h("li", { class: "hint" },
        h("span", { class: "sign", "aria-hidden": "true" }, "!"), h("span", {}, rich(text)))));
    },
  };
}

/** The kinds of policy that have no say here, in one row. */
function absent(rows) {
  const names = rows.map((row) => row.label.toLowerCase()).join(", ");
  return step({ ...rows[0], label: "", sentence: `Not here: ${names}.`, misses: [] });
}

function step(row) {
  return h(
    "li",
    { class: row.outcome },
    h(
      "span",
      { class: "chip" },
      h("span", { "aria-hidden": "true" }, `${OUTCOME_SIGN[row.outcome]} `),
      row.word,
    ),
    h(
      "div",
      {},
      row.label && h("span", { class: "part" }, row.label),
      h("span", {}, rich(row.sentence)),
      row.misses.length ? h("ul", {}, row.misses.map((text) => h("li", {}, rich(text)))) : null,
    ),
  );
}

export default { render };
