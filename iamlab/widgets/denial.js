// The page that takes a denial apart. Python reads the message; this shows what it says of it.

const WAIT = 120; // milliseconds without a key press before Python is asked

function render({ model, el }) {
  const stop = new AbortController();
  let sent = model.get("text"); // the text that Python has, or was last told
  let timer;
  let opened = null; // the playground's id and view
  let wanted = false; // whether the playground was asked for: then it is brought into sight

  const id = freshId("message");
  const area = h("textarea", { id, rows: "6", spellcheck: "false", autocomplete: "off", oninput: later });
  area.value = sent;
  const clear = h("button", { type: "button", onclick: () => put("") }, "Clear");
  const examples = h("div", { class: "examples", role: "group", "aria-label": "Examples" },
    h("span", { class: "note", "aria-hidden": "true" }, "Examples:"),
    model.get("examples").map(([name, text]) => h("button", {
      type: "button", onclick: () => put(text),
    }, name)));
  const sentence = h("p", { class: "sentence", role: "status" });
  const table = h("table", { "aria-label": "What the message says" }, h("tbody", {}));
  const says = h("section", {}, h("span", { class: "part" }, "What the message says"), table);
  const checks = h("ol", { "aria-label": "What to look at, in this order" });
  const todo = h("section", {}, h("span", { class: "part" }, "What to look at, in this order"), checks);
  const command = makeCommand();
  const tryIt = h("button", { type: "button", class: "main", onclick: () => {
    wanted = true;
    send({ do: "try" });
  } }, "Try it in the playground");
  const note = h("p", { class: "note", role: "status" });
  const place = h("div", { class: "place" });
  const line = connect(model, stop.signal, setLive, () => {
    if (area.value !== sent) later();
  });

  const root = h(
    "div",
    { class: "iamlab denial", role: "group", "aria-label": "Paste a denial" },
    h("div", { class: "head" }, h("span", { class: "title" }, "Paste a denial"),
      h("span", { class: "note" }, "read here: nothing leaves this computer")),
    line.banner,
    h("div", { class: "paste" },
      h("label", { for: id }, "The error message, as AWS or a tool wrote it"), area,
      h("div", { class: "tools" }, examples, clear)),
    h("div", { class: "said" }, sentence),
    h("div", { class: "parts" }, says, todo),
    h("div", { class: "more" }, command.root, tryIt, note),
    place,
  );

  function setLive(live) {
    root.classList.toggle("dead", !live);
    const own = ":scope > :is(.paste, .more) button, :scope > .parts input"; // not the playground's
    for (const button of root.querySelectorAll(own)) {
      button.disabled = !live;
    }
  }

  /** Put a text into the box; what stood there stays within reach of Ctrl+Z. */
  function put(text) {
    typeInto(area, text);
    send();
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(send, WAIT);
  }

  function send(more = {}) {
    clearTimeout(timer);
    if (line.waiting() && !more.do) return;
    sent = area.value;
    line.ask({ text: sent, ...more });
  }

  /** How the encoded part is read: by AWS, or by the lab that wrote it. */
  function makeCommand() {
    const code = h("code", {});
    const copy = h("button", { type: "button", onclick: async () => show(note,
      (await copyText(code.textContent)) ? "The command is copied." : "Copying is not allowed here.") },
    "Copy the command");
    const decode = h("button", { type: "button", onclick: () => send({ do: "decode" }) },
      "Ask the lab to read it");
    const root = h("section", {}, h("span", { class: "part" }, "The encoded part"),
      h("p", {}, code), h("div", { class: "tools" }, copy, decode));
    return { root, tell: (text) => {
      root.hidden = !text;
      code.textContent = text;
    } };
  }

  function row(one) {
    const lines = one.value.split("\n").map((text) => h("div", {}, text));
    return h("tr", { class: one.said ? null : "silent" },
      h("th", { scope: "row" }, one.label), h("td", {}, one.said ? lines : h("i", {}, one.value)));
  }

  function check(text, number) {
    const box = h("input", {
      type: "checkbox",
      id: freshId("check"),
      onchange: () => send({
        ticked: [...checks.querySelectorAll("input")].flatMap((one, i) => (one.checked ? [i] : [])),
      }),
    });
    box.checked = model.get("ticked").includes(number);
    return h("li", {}, box, h("label", { for: box.id }, rich(text)));
  }

  async function showPlayground() {
    const ref = model.get("page");
    if (opened?.ref === ref) return;
    opened?.view?.remove();
    place.replaceChildren();
    opened = { ref };
    if (!ref) return;
    const mine = opened;
    const manager = model.widget_manager;
    const view = await manager.create_view(await manager.get_model(ref.replace("IPY_MODEL_", "")));
    if (opened !== mine || stop.signal.aborted) return view.remove();
    mine.view = view;
    place.append(view.el);
    if (!wanted) return;
    wanted = false;
    place.scrollIntoView({ block: "nearest" });
  }

  let shown = null; // the last result: the check boxes are only made anew with another
  function tell() {
    const text = model.get("text");
    if (text !== sent) { // Python has another text: a decoded message, or one set in a cell
      sent = text;
      typeInto(area, text);
    }
    const result = model.get("result");
    const key = JSON.stringify(result);
    if (key !== shown) {
      shown = key;
      show(sentence, ...rich(result.sentence).map((part) => (typeof part === "string" ? h("span", {}, part) : part)));
      root.dataset.found = String(result.found);
      table.tBodies[0].replaceChildren(...result.rows.map(row));
      checks.replaceChildren(...result.checks.map(check));
      says.hidden = !result.rows.length;
      todo.hidden = !result.checks.length;
      command.tell(result.command);
      tryIt.hidden = !result.try;
    }
    show(note, model.get("note"));
    showPlayground();
  }

  model.on("change:text", tell);
  model.on("change:result", tell);
  model.on("change:note", tell);
  model.on("change:page", tell);
  tell();
  el.append(root);
  keepKeys(root, stop.signal);
  line.ask({});
  return () => {
    clearTimeout(timer);
    opened?.view?.remove();
    stop.abort();
  };
}

export default { render };
