// The page of "who can become whom": choosing two, the ways between them, and every step in words.
// Python finds the ways and makes the sentences; trust_picture.js draws.

function render({ model, el }) {
  const stop = new AbortController();
  const state = () => model.get("state");
  const line = connect(model, stop.signal, setLive, () => {});
  const choose = (source, target) => line.ask({ do: "choose", source, target });

  const from = makeSelect("From", () => choose(from.value, to.value));
  const to = makeSelect("To", () => choose(from.value, to.value));
  const only = h("input", {
    type: "checkbox",
    onchange: () => line.ask({ do: "only", on: only.checked }),
  });
  const refresh = h("button", { type: "button", onclick: () => line.ask({ do: "refresh" }) },
    "Refresh");
  const clear = h("button", { type: "button", onclick: () => choose("", "") }, "Clear");
  const news = h("p", { class: "fresh", role: "status" });
  const verdict = h("p", { class: "tg-answer", role: "status" });
  const panel = h("div", { class: "beside", role: "group", "aria-label": "Ways", tabindex: "-1" });
  const radioName = freshId("way");
  const graph = makeGraph(pick);
  const words = h("ul", {});
  const title = h("summary", {});
  const note = h("p", { class: "note" });

  const root = h(
    "div",
    { class: "iamlab trust", role: "group", "aria-label": "Who can become whom" },
    h("div", { class: "head" },
      h("span", { class: "title" }, "Who can become whom"),
      h("span", { class: "tools" }, h("span", { class: "note" }, `account ${state().account}`),
        refresh)),
    line.banner,
    news,
    h("div", { class: "choosing" },
      from.root, to.root, clear,
      h("label", { class: "only" }, only, "Only ways to administrator")),
    verdict,
    h("div", { class: "halves" },
      h("div", { class: "drawing" }, graph.root, graph.hint, legend(), note),
      panel),
    h("details", { class: "everything" }, title, words),
  );

  function makeSelect(name, onchange) {
    const select = h("select", { id: freshId("who"), onchange });
    const label = h("label", { class: "part", for: select.id }, name);
    return {
      root: h("span", {}, label, select),
      get value() {
        return select.value;
      },
      tell(value, live) {
        show(select, h("option", { value: "" }, "choose"), ...state().choices.map((list) => h(
          "optgroup", { label: list.title },
          list.names.map((one) => h("option", { value: one }, one)),
        )));
        select.value = value;
        select.disabled = !live;
      },
    };
  }

  /** A box was clicked: the first is where it starts, the second where it ends, the third anew. */
  function pick(name) {
    const { source, target } = state();
    if (name === source) choose("", target);
    else if (name === target) choose(source, "");
    else if (!source && name !== "administrator") {
      choose(name, target || (only.checked ? "administrator" : ""));
    }
    else if (!target) choose(source, name);
    else choose(name, "");
  }

  function setLive(answered) {
    const live = answered && !state().stopped;
    root.classList.toggle("dead", !live);
    for (const button of [refresh, clear, only, ...root.querySelectorAll(".link, .node, .shortest input")]) {
      button.disabled = !live;
    }
    from.tell(state().source, live);
    to.tell(state().target, live);
    clear.disabled = !live || !(state().source || state().target);
  }

  function tell() {
    const s = state();
    show(news, [s.stopped, s.news, s.stale].filter(Boolean).join(" "));
    show(verdict, s.verdict);
    only.checked = s.only;
    note.textContent = s.note;
    const way = s.ways[s.way];
    verdict.classList.toggle("up", Boolean(way?.at(-1).up));
    showPanel(panel, s, radioName, (number) => line.ask({ do: "way", number }), (name) =>
      choose(name, "administrator"));
    root.classList.toggle("many", s.columns > 4);
    graph.draw(s);
    title.textContent = `Every arrow drawn, in words (${s.edges.length})`;
    show(words, ...s.edges.map((edge) => h("li", { class: edge.up ? "up" : "" }, edge.said,
      edge.up ? ". Leads to administrator." : ".")));
    setLive(!line.gone());
  }

  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !(state().source || state().target)) return;
    event.preventDefault();
    choose("", "");
  });
  // Whoever comes to the widget may have changed the account meanwhile.
  root.addEventListener("pointerenter", () => line.waiting() || line.ask());
  root.addEventListener("focusin", (event) => {
    if (!root.contains(event.relatedTarget) && !line.waiting()) line.ask();
  });
  model.on("change:state", tell);
  el.append(root);
  tell();
  keepKeys(root, stop.signal);
  const watch = new ResizeObserver(() => graph.place());
  watch.observe(graph.root);
  line.ask();
  return () => {
    watch.disconnect();
    stop.abort();
  };
}

const legend = () => h("p", { class: "tg-marks" },
  h("span", { class: "up" }, "thick line or frame: leads to administrator"),
  h("span", {}, "thin line: any other step"),
  h("span", { class: "way" }, "dashed around a box: chosen"));

/** Beside the graph: the ways between the two chosen, or else all ways to administrator. */
function showPanel(panel, s, radioName, onWay, onName) {
  const way = s.ways[s.way];
  const had = panel.contains(document.activeElement) ? document.activeElement : null;
  if (!way) {
    show(panel, h("p", { class: "part" }, "Ways to administrator"), h("p", {}, s.summary),
      h("ul", { class: "rising" }, s.rising.map((row) => h("li", {},
        h("button", { type: "button", class: "link", "data-name": row.name }, row.name), ` ${row.said}`))));
  } else {
    const radios = s.ways.map((steps, i) => h("label", {},
      h("input", { type: "radio", name: radioName, value: String(i), checked: i === s.way }),
      [...steps.slice(0, -1).map((step) => step.target), s.target].join(" → ")));
    show(panel,
      ...(s.ways.length > 1
        ? [h("fieldset", { class: "shortest" }, h("legend", { class: "part" }, "Shortest ways"), radios)]
        : []),
      h("ol", { class: "hops" }, way.map(hop)));
  }
  // What had the focus may be gone: a reader by keyboard stays in this part of the page.
  if (had && !had.isConnected) (panel.querySelector("input:checked") ?? panel).focus();
  panel.onclick = (event) => event.target.dataset.name && onName(event.target.dataset.name);
  panel.onchange = (event) => onWay(Number(event.target.value));
}

/** One step of a way: who becomes whom, why, what it takes, and the statements behind it. */
function hop(step, i) {
  return h("li", { class: step.up ? "up" : "" },
    h("p", { class: "tg-ends" }, `${i + 1}. ${step.source} → ${step.target}`),
    step.up ? h("span", { class: "chip" }, "leads to administrator") : null,
    h("p", {}, step.sentence),
    step.means ? h("p", { class: "note" }, "By ", h("code", {}, step.means)) : null,
    step.condition
      ? h("p", { class: "note" }, "Only if ", h("code", {}, step.condition)) : null,
    step.statements.map((shown) => h("details", {},
      h("summary", {}, shown.title), h("pre", {}, shown.text))),
    step.others.map((other) => h("p", { class: "note" }, `Also by ${other}`)));
}

export default { render };
