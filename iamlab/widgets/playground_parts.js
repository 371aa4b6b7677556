// The parts of the playground: a policy, a field, a challenge, the changes, save and share.

/** One policy: its editor, its buttons and what is to be said about it. `does` are the page's. */
function makePolicy(slot, kind, about, does) {
  const findings = h("ul", { class: "findings", id: freshId("findings") });
  const aloud = h("ol", { class: "aloud", hidden: true, id: freshId("aloud") });
  const editor = makeEditor({
    label: about.label,
    describedBy: findings.id,
    onInput: does.input,
    want: does.rows,
  });
  let told = "";
  const done = h("span", { class: "done", role: "status" });
  const name = h("span", { class: "part" }, about.label);
  const note = h("span", { class: "note" }, about.note);
  const say = (text) => {
    done.textContent = text;
    setTimeout(() => (done.textContent = ""), 2500);
  };
  const button = (text, onclick) => h("button", { type: "button", onclick }, text);
  const frame = button("Write a frame", () => does.frame(slot, (text) => {
    if (!editor.text.trim()) editor.put(text, true);
    editor.area.focus();
  }));
  frame.dataset.python = "";
  const offer = (empty) => {
    frame.hidden = !empty;
    format.hidden = empty;
  };
  const format = button("Format", () => {
    try {
      editor.put(JSON.stringify(JSON.parse(editor.text), null, 2), true);
    } catch {
      say("mend the mistake first"); // it was typed a moment ago: Python has not said so yet
    }
  });
  const copy = button("Copy", async () => {
    say((await copyText(editor.text)) ? "copied" : "copying is not allowed");
  });
  const words = button("In words", () => {
    aloud.hidden = !aloud.hidden;
    words.setAttribute("aria-expanded", String(!aloud.hidden));
    does.aloud();
  });
  offer(true); // until the first text is put in
  words.setAttribute("aria-expanded", "false");
  words.setAttribute("aria-controls", aloud.id);
  const remove = slot === "identity" ? null : button("Remove", () => does.remove(slot));
  const buttons = { "Write a frame": frame, Format: format, Copy: copy, "In words": words,
    Remove: remove };
  const root = h(
    "div",
    { class: "policy" },
    h("div", { class: "bar" }, h("div", {}, name, " ", note),
      h("div", { class: "tools" }, done, frame, format, copy, words, remove)),
    editor.root,
    findings,
    aloud,
  );

  return {
    root,
    slot,
    kind,
    part: "policies",
    name: slot,
    get text() {
      return editor.text;
    },
    get aloud() {
      return !aloud.hidden;
    },
    put: editor.put,
    go: editor.go,
    focus: () => editor.area.focus(),
    /** Somebody else's policy: it is shown, and stays as it is. */
    keep(given) {
      editor.area.readOnly = given;
      root.classList.toggle("given", given);
      note.textContent = given ? "given: you cannot change it" : about.note;
      for (const one of [frame, format, remove]) if (one) one.hidden = given;
    },
    tell(result) {
      const called = result.names?.[slot] ?? about.label;
      const [marked, problems, advice, read] = ["marks", "problems", "advice", "aloud"]
        .map((part) => result[part]?.[slot] ?? []);
      const empty = !editor.text.trim();
      const state = JSON.stringify([called, marked, problems, advice, read, empty, aloud.hidden,
        editor.area.readOnly]);
      if (state === told) return; // of ten policies, one is typed in
      told = state;
      const withLine = (rows, kind) => rows.filter((row) => row.line).map((row) => ({ ...row, kind }));
      editor.mark([...marked, ...withLine(advice, "hint"),
        ...withLine(problems, "bad")]);
      name.textContent = called;
      editor.area.setAttribute("aria-label", called);
      for (const [verb, one] of Object.entries(buttons)) {
        one?.setAttribute("aria-label", `${verb}: ${called}`);
      }
      if (!editor.area.readOnly) offer(empty);
      format.disabled = problems.length > 0;
      const rows = [...problems.map((row) => [row, "bad"]), ...advice.map((row) => [row, "hint"])];
      show(findings, ...rows.map(([row, sign]) => finding(row, sign, editor)));
      show(aloud, ...read.map((row) => h("li", {},
        h("button", { type: "button", class: "link", onclick: () => editor.go(row.line, 1) },
          row.title), ": ", rich(row.text))));
      if (!aloud.hidden && !aloud.children.length) {
        show(aloud, h("li", {}, empty ? "There is no policy here yet." : "Mend the mistake first."));
      }
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
function makeField(name, about, does) {
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
    oninput: does.input,
  });
  const note = h("span", { class: "note" }, about.note);
  const cell = h("div", { class: "cell" }, box);
  const root = h("div", { class: "field" }, h("label", { for: id }, about.label, " ", note), cell,
    problem);
  let hush = (work) => work();
  if (name !== "resource_account") {
    const under = () => (long ? box.value.slice(0, box.selectionEnd).split("\n").length * 20 + 6
      : box.offsetHeight) + 2;
    const offered = makeSuggestions({
      area: box,
      root: cell,
      caret: () => ({ left: 0, top: under() }),
      want: does.rows,
      label: about.label,
    });
    hush = offered.hush;
    if (!long) {
      cell.append(h("button", {
        type: "button",
        class: "pick",
        tabindex: "-1", // by keyboard the arrow key opens the same list
        "aria-label": `Suggestions for ${about.label}`,
        onmousedown: (event) => event.preventDefault(),
        onclick: () => {
          box.focus();
          if (offered.isOpen()) offered.close();
          else offered.ask(true);
        },
      }, "▾"));
    }
  }
  return {
    root,
    part: "request",
    name,
    get text() {
      return box.value;
    },
    put(text, undo) {
      if (undo) hush(() => typeInto(box, text));
      else box.value = text;
    },
    tell(result) {
      const text = result.fields?.[name] ?? "";
      problem.textContent = text;
      problem.hidden = !text;
      box.setAttribute("aria-invalid", String(Boolean(text)));
    },
  };
}

/** What a challenge asks, call by call, and whether it is reached. */
function makeChallenge(look) {
  const task = h("p", {});
  const goals = h("ul", {});
  const said = h("p", { class: "word", role: "status" });
  const root = h("div", { class: "challenge", role: "group", "aria-label": "Challenge", hidden: true },
    task, goals, said);
  return {
    root,
    begin(row) {
      root.hidden = !row;
      task.textContent = row?.note ?? "";
      show(said, "");
      show(goals);
    },
    tell(found) {
      if (!found) return;
      root.classList.toggle("passed", found.passed);
      show(goals, ...found.goals.map((goal) => {
        const right = goal.wanted === goal.now;
        return h("li", { class: right ? "pass" : "stop" },
          h("span", { class: "chip" }, h("span", { "aria-hidden": "true" }, right ? "✓ " : "✗ "),
            right ? "as wanted" : "not yet"),
          h("span", {}, h("button", { type: "button", class: "link", onclick: () => look(goal.request) },
            goal.words), `: shall be ${goal.wanted}, ${goal.now ? `is ${goal.now}` : "no verdict yet"}.`));
      }));
      show(said, found.message);
    },
  };
}

/** What would have to change: each way with a button that tries it. */
function makeChanges(ask, attempt) {
  const list = h("ol", {});
  const none = h("p", { class: "note" });
  const root = h("details", { class: "changes", open: true, ontoggle: () => root.open && ask() },
    h("summary", {}, h("span", { class: "part" }, "What would have to change?"), " ",
      h("span", { class: "note" }, "the smallest ways to the other verdict, each tried out")),
    list, none);
  return {
    root,
    wanted: () => root.open && !root.hidden,
    stale: () => root.classList.add("stale"),
    isStale: () => root.classList.contains("stale"),
    tell(found) {
      root.classList.remove("stale");
      none.textContent = found.length ? "" : "No small change was found that turns the verdict.";
      show(list, ...found.map((way, i) => h("li", {},
        h("div", {}, way.sentences.map((text) => h("p", {}, rich(text)))),
        h("button", { type: "button", "aria-label": `Try way ${i + 1}`, onclick: () => attempt(way.texts) },
          "Try it"))));
    },
  };
}

/** Save and share: a small file, and a text that is short enough for a link. */
function makeShare(want, load) {
  const said = h("p", { class: "word", role: "status" });
  const id = freshId("shared");
  const text = h("textarea", { id, rows: "2", spellcheck: "false", autocomplete: "off" });
  const open = (shared) => want("open", shared, (found) => {
    show(said, found.problem ?? "Opened. Ctrl+Z in an editor brings back what stood there.");
    if (!found.problem) load(found);
  });
  const file = h("input", {
    type: "file",
    accept: ".json,application/json,text/plain",
    id: freshId("file"),
    onchange: async () => {
      const [chosen] = file.files;
      if (chosen) open(await chosen.text());
      file.value = "";
    },
  });
  const download = () => want("file", true, (whole) => {
    const address = URL.createObjectURL(new Blob([whole], { type: "application/json" }));
    h("a", { href: address, download: "iamlab-playground.json" }).click();
    URL.revokeObjectURL(address);
    show(said, "Saved as iamlab-playground.json.");
  });
  const copy = () => want("link", true, async (link) => {
    text.value = link;
    const done = await copyText(link);
    show(said, `${done ? "Copied. " : ""}The share text stands below: ${link.length} characters.`);
  });
  const button = (label, onclick) => h("button", { type: "button", "data-python": true, onclick },
    label);
  return h("details", { class: "share" },
    h("summary", {}, h("span", { class: "part" }, "Save and share")),
    h("div", { class: "tools" }, button("Download a file", download),
      button("Copy the share text", copy)),
    h("div", { class: "field" }, h("label", { for: id }, "Share text ",
      h("span", { class: "note" }, "from somebody else, or yours")), text,
    h("div", { class: "tools" }, button("Open the share text", () => open(text.value)),
      h("label", { for: file.id }, "or open a file "), file)),
    said);
}
