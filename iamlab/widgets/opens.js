// The page of "What a policy opens": numbers as small bars, and the actions behind them. All of it
// is on the page already, so that it can be read and searched without Python.

const PARTS = {
  gained: { sign: "+", word: "gained" },
  lost: { sign: "\u2212", word: "lost" },
  kept: { sign: "", word: "open" },
};

function render({ model, el }) {
  const stop = new AbortController();
  const state = () => model.get("state");
  const names = h("dl", { class: "op-names" });
  const headline = h("p", { class: "op-headline" });
  const more = h("ul", { class: "op-more" });
  const meter = h("div", { class: "op-meter", role: "group", "aria-label": "Least privilege" });
  const levels = h("div", { class: "op-levels" });
  const list = h("ul", { class: "op-services", "aria-label": "Services" });
  const found = h("p", { class: "note", role: "status" });
  const note = h("p", { class: "note op-note" });
  const news = h("p", { class: "op-news", role: "status" });
  const filter = h("input", {
    type: "text", spellcheck: "false", autocomplete: "off", oninput: () => search(),
  });
  const changed = h("input", { type: "checkbox", onchange: () => search() });
  const only = h("label", { class: "op-check" }, changed, h("span", {}, "Only what changes"));
  const again = h("button", { type: "button", onclick: () => line.ask({ do: "look" }) }, "Look again");
  const line = connect(model, stop.signal, setLive, () => {});
  let rows = [];

  function setLive(answered) {
    again.disabled = !answered || Boolean(state().stopped);
  }

  const root = h("div", { class: "iamlab opens", role: "group", "aria-label": "What a policy opens" },
    h("div", { class: "head" },
      h("span", { class: "title" }, "What a policy opens"),
      h("div", { class: "tools" }, again)),
    line.banner,
    news,
    h("div", { class: "op-top" }, names, headline, more),
    meter,
    levels,
    h("div", { class: "op-tools" },
      h("label", {}, "Services and actions with ", filter), only, found),
    list,
    note);

  /** Show the services that hold what is searched for. */
  function search() {
    const text = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = row.text.includes(text) && (!changed.checked || row.changes);
      row.root.hidden = !fits;
      if (fits) shown += 1;
    }
    found.textContent = shown === rows.length
      ? `${rows.length} service${rows.length === 1 ? "" : "s"}`
      : `${shown} of ${rows.length} services`;
  }

  function tell() {
    const s = state();
    show(news, s.stopped ?? "");
    again.hidden = !s.live;
    setLive(!line.gone());
    show(names, ...(s.both ? [["Before", s.before], ["After", s.after]] : [["Policy", s.before]])
      .flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]));
    show(headline, s.headline);
    show(more, ...s.more.map((text) => h("li", {}, text)));
    meter.hidden = !s.meter.sentences;
    if (s.meter.sentences) show(meter, ...meterParts(s.meter));
    show(levels, levelTable(s));
    const open = new Set(rows.filter((row) => row.root.firstChild.open).map((row) => row.name));
    rows = s.services.map((service) => serviceRow(service, s, open.has(service.name)));
    list.replaceChildren(...rows.map((row) => row.root));
    only.hidden = !s.both;
    note.textContent = s.note;
    search();
  }

  model.on("change:state", tell);
  changed.checked = state().both;
  tell();
  el.append(root);
  keepKeys(root, stop.signal);
  line.ask();
  return () => stop.abort();
}

const share = (value, most) => `width: ${most ? (100 * value) / most : 0}%`;

/** The meter: how much of what is open was used, as a bar with its text, and in words. */
function meterParts(meter) {
  const part = (value, name) => h("div", { class: `op-part ${name}`, style: share(value, meter.opened) });
  const used = `${meter.used.toLocaleString("en")} used`;
  const idle = `${meter.idle.toLocaleString("en")} not used`;
  return [
    h("p", { class: "part" }, "Least privilege: open and used"),
    h("div", { class: "op-bar", "aria-hidden": "true" }, part(meter.used, "used"), part(meter.idle, "idle")),
    h("p", { class: "op-keys" }, h("span", { class: "op-key used" }, used),
      h("span", { class: "op-key idle" }, idle)),
    h("p", {}, h("b", {}, meter.sentences.slice(0, 2).join(" "))),
    h("ul", {}, meter.sentences.slice(2).map((text) => h("li", {}, text))),
    h("div", { class: "op-fine" }, meter.levels.map((level) => h("div", {},
      h("span", {}, level.name),
      h("span", { class: "op-track", "aria-hidden": "true" },
        h("span", { class: "used", style: share(level.used, level.opened) })),
      h("span", {}, `${level.used.toLocaleString("en")} of ${level.opened.toLocaleString("en")} used`)))),
  ];
}

const shownParts = (state) => (state.both ? ["lost", "gained"] : ["kept"]);
const number = (part, value) => (value ? `${PARTS[part].sign}${value.toLocaleString("en")}` : "0");

/** Two bars that leave a middle line, or one: lost to the left, gained to the right. */
function bars(row, state, most) {
  return h("span", { class: state.both ? "op-two" : "op-one", "aria-hidden": "true" },
    shownParts(state).map((part) => h("span", { class: "op-side" },
      h("span", { class: `op-fill ${part}`, style: share(row[part], most) }))));
}

function levelTable(state) {
  const parts = shownParts(state);
  const most = Math.max(1, ...state.levels.flatMap((row) => parts.map((part) => row[part])));
  return h("table", {},
    h("caption", {}, "By access level"),
    h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, "Access level"),
      parts.map((part) => h("th", { scope: "col", class: "op-number" },
        PARTS[part].word[0].toUpperCase() + PARTS[part].word.slice(1))),
      h("td", {}))),
    h("tbody", {}, state.levels.map((row) => h("tr", {},
      h("th", { scope: "row" }, row.name),
      parts.map((part) => h("td", { class: `op-number ${row[part] ? part : ""}` },
        number(part, row[part]))),
      h("td", { class: "op-cell" }, bars(row, state, most))))));
}

/** One service: a line that opens to its actions. The actions are drawn when it is first opened. */
function serviceRow(service, state, open) {
  const parts = shownParts(state);
  const most = Math.max(1, ...state.services.flatMap((row) => parts.map((part) => row[part])));
  const words = parts.filter((part) => service[part])
    .map((part) => h("span", { class: `op-word ${part}` },
      `${number(part, service[part])} ${PARTS[part].word}`));
  const same = state.both && !words.length ? [h("span", { class: "note" }, "no change")] : [];
  const body = h("div", { class: "op-body" });
  const details = h("details", {
    open,
    ontoggle: () => {
      if (details.open && !body.childElementCount) body.append(...service.levels.map(levelPart));
    },
  }, h("summary", {}, h("span", { class: "op-name" }, service.name),
    h("span", { class: "op-words" }, words, same), bars(service, state, most)), body);
  if (open) body.append(...service.levels.map(levelPart));

  function levelPart(level) {
    const kinds = ["gained", "lost", "kept"].filter((part) => level[part]?.length);
    const word = (part) => (part === "kept" && state.both ? "open in both" : PARTS[part].word);
    return h("div", {}, h("p", { class: "part" }, level.name),
      kinds.map((part) => h("div", { class: "op-actions" },
        h("span", { class: `chip ${part}` }, `${level[part].length} ${word(part)}`),
        h("ul", {}, level[part].map((name) => h("li", {}, h("code", {}, name)))))));
  }

  const all = service.levels.flatMap((level) => ["gained", "lost", "kept"].flatMap((p) => level[p] ?? []));
  return {
    name: service.name,
    root: h("li", {}, details),
    changes: words.length > 0,
    text: `${service.name} ${all.map((name) => `${service.name}:${name}`).join(" ")}`.toLowerCase(),
  };
}

export default { render };
