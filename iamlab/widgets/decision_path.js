// The verdict, and the decision path: AWS's order of asking, drawn as stations on a line.

const VERDICT_SIGN = { allowed: "✓", implicitDeny: "✗", explicitDeny: "✗" };
const STATE_SIGN = { pass: "✓", deny: "✗", stop: "✗", silent: "–", notAsked: "·" };

/** The verdict in one sentence. */
function makeVerdict() {
  const said = h("div", { class: "said", role: "status" });
  const warnings = h("ul", { class: "findings" });
  const root = h("div", { class: "verdict" }, said, warnings);
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
      show(warnings, ...(result.warnings ?? []).map((text) => h("li", { class: "hint" },
        h("span", { class: "sign", "aria-hidden": "true" }, "!"), h("span", {}, rich(text)))));
    },
  };
}

/** The stations. One is open: at first the one that decides. `go(slot, line)` shows a statement. */
function makePath(go) {
  const track = h("div", { class: "track", role: "tablist",
    "aria-label": "The decision path, in AWS's order" });
  const panel = h("div", { class: "station", role: "tabpanel", tabindex: "0", id: freshId("panel") });
  const root = h("div", { class: "path" }, h("span", { class: "part" }, "The decision path"),
    h("span", { class: "note" }, "in AWS's order; choose a station to see its statements"),
    track, panel);
  let steps = [];
  let decider = null; // the station that the verdict hangs on
  let chosen = null; // the one that is open

  track.addEventListener("keydown", (event) => {
    const tabs = [...track.querySelectorAll("[role=tab]")];
    const at = tabs.indexOf(document.activeElement);
    const next = {
      ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
      Home: 0, End: tabs.length - 1,
    }[event.key];
    if (at < 0 || next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const type = tabs[(next + tabs.length) % tabs.length].dataset.type;
    open(type);
    track.querySelector(`[data-type=${type}]`).focus();
  });

  function open(type) {
    chosen = type;
    const focused = track.contains(document.activeElement);
    const end = steps.findIndex((row) => ["deny", "stop"].includes(row.state));
    show(track, ...steps.map((row, i) => h(
      "button",
      {
        type: "button",
        role: "tab",
        class: `${row.state}${end >= 0 && i > end ? " after" : ""}`,
        "data-type": row.type,
        "aria-selected": String(row.type === chosen),
        "aria-controls": panel.id,
        tabindex: row.type === chosen ? "0" : "-1",
        onclick: () => {
          open(row.type);
          track.querySelector(`[data-type=${row.type}]`).focus();
        },
      },
      h("span", { class: "dot", "aria-hidden": "true" }, STATE_SIGN[row.state]),
      h("span", { class: "name" }, row.label),
      h("span", { class: "word" }, row.word),
    )));
    if (focused) track.querySelector(`[data-type=${chosen}]`)?.focus();
    const row = steps.find((one) => one.type === chosen);
    if (row) showPanel(row);
  }

  function showPanel(row) {
    panel.setAttribute("aria-label", `${row.label}: ${row.word}`);
    const near = row.statements.filter((one) => !one.other);
    const others = row.statements.filter((one) => one.other);
    if (!near.length) near.push(...others.splice(0, 3)); // nothing is nearer
    const count = others.length + row.more;
    show(
      panel,
      h("p", {}, h("span", { class: "part" }, `${row.label}: `), rich(row.sentence)),
      ...(near.length ? [h("ul", {}, near.map((one) => statement(one, go)))] : []),
      ...(count ? [h("details", {},
        h("summary", {}, count === 1 ? "1 more statement is about other actions"
          : `${count} more statements are about other actions`),
        h("ul", {}, others.map((one) => statement(one, go))),
        row.more ? h("p", { class: "note" }, `and ${row.more} more`) : null)] : []),
    );
  }

  return {
    root,
    tell(result) {
      steps = result.steps ?? [];
      root.hidden = !steps.length;
      if (!steps.length) return;
      const deciding = steps.find((row) => row.statements.some((one) => one.decides))
        ?? steps.find((row) => row.type === "identity");
      const next = steps.find((row) => ["deny", "stop"].includes(row.state)) ?? deciding;
      const moved = decider !== `${next.type} ${next.state}`;
      decider = `${next.type} ${next.state}`;
      open(moved || !chosen ? next.type : chosen);
    },
  };
}

function statement(one, go) {
  const word = one.decides ? "decides" : one.matched ? "matches" : "no match";
  const state = one.matched ? (one.effect === "Allow" ? "pass" : "deny") : "silent";
  return h(
    "li",
    { class: state },
    h("span", { class: "chip" },
      h("span", { "aria-hidden": "true" }, one.matched ? (one.effect === "Allow" ? "✓ " : "✗ ") : "≠ "),
      word),
    h("span", {},
      h("button", { type: "button", class: "link", onclick: () => go(one.slot, one.line) }, one.title),
      `, ${one.effect}${one.why ? ": " : ""}`, rich(one.why)),
  );
}
