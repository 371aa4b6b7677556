// The credential timeline's page. Times and sentences are Python's; between two answers the page
// only moves the drawing on at the speed that Python named.

const LOOK = 1000; // milliseconds between two questions to Python
const DRAW = 100; // between two drawings
const WINDOWS = [["15 min", 15 * MINUTE], ["1 h", 60 * MINUTE], ["12 h", 720 * MINUTE], ["All", 0]];
const NOW_AT = 0.5; // where in the window the present is
const SIGN = { allowed: "●", denied: "✕", refused: "!" };

function render({ model, el }) {
  const stop = new AbortController();
  const state = () => model.get("state");
  const drawn = new Map(); // row and bar elements, by the key of what they show
  let heardAt = performance.now();
  let live = true;
  let shown = null; // the rows that are drawn: an event may come before that of new rows
  let chosen = null; // the access key ID of the chosen bar
  let span = WINDOWS[1][1];
  let aside = 0; // how far the learner moved the window away from the present
  // When all was last laid out: the length of the window, the present, and its pixels.
  let placed = { wide: 0, now: 0, room: 0 };

  const line = connect(model, stop.signal, setLive, () => speeds.heard(state().speed));
  const speeds = makeSpeeds(model.get("speeds"), (speed) => line.ask({ do: "speed", value: speed }));
  const ask = (what, value) => line.ask({ do: what, value });
  const clock = h("span", { class: "tl-now" });
  const day = h("span", { class: "note" });
  const zooms = WINDOWS.map(([text, length]) => h("button", {
    type: "button",
    "aria-pressed": String(length === span),
    onclick: () => {
      span = length;
      aside = 0;
      zooms.forEach((button, i) => button.setAttribute("aria-pressed", String(WINDOWS[i][1] === span)));
      place();
    },
  }, text));
  const pan = (way) => {
    aside = way && aside + (way * placed.wide) / 2;
    place();
  };
  const pans = [["← Earlier", -1], ["Now", 0], ["Later →", 1]].map(([text, way]) => h("button",
    { type: "button", onclick: () => pan(way) }, text));
  const axis = makeAxis();
  const rowsAt = h("ul", { class: "tl-rows", "aria-label": "Credentials on the lab's clock" });
  const note = h("p", { class: "note" });
  const chart = h("div", { class: "tl-chart" },
    h("div", { class: "tl-row tl-top" }, h("div", { class: "tl-name" }), axis.root), rowsAt, note);
  const news = h("p", { class: "tl-news", role: "status" });
  const panel = makePanel();
  const inWords = h("ul", { class: "tl-sentences" });
  const roles = h("select", { "aria-label": "Role to hold" });
  const renew = h("button", { type: "button",
    onclick: () => ask(renewing() ? "stop renewing" : "renew", roles.value) });
  roles.addEventListener("change", tellRenew);
  const controls = [roles, renew, ...speeds.inputs];

  const root = h(
    "div",
    { class: "iamlab timeline", role: "group", "aria-label": "Credential timeline" },
    h("div", { class: "head" },
      h("span", { class: "title" }, "Credential timeline"),
      h("span", { class: "tl-clock" }, h("span", { class: "note" }, "Lab time (UTC) "), clock, " ", day)),
    line.banner,
    h("div", { class: "tl-hands" }, speeds.root,
      h("div", { class: "tools", role: "group", "aria-label": "Part of the time shown" },
        h("span", { class: "note", "aria-hidden": "true" }, "Show"), zooms, pans)),
    chart,
    h("p", { class: "tl-legend note" },
      Object.entries(SIGN).map(([kind, sign]) => h("span", {},
        h("span", { class: `tl-mark ${kind}`, "aria-hidden": "true" }, sign), ` call ${kind}`)),
      h("span", {}, h("span", { class: "tl-nowkey", "aria-hidden": "true" }), " now"),
      h("span", {}, "Arrow keys go from bar to bar.")),
    news,
    panel.root,
    h("div", { class: "tl-hands tl-foot" },
      h("div", { class: "tools" }, h("span", {}, "Credentials that renew themselves:"), roles, renew)),
    h("details", { class: "tl-inwords" }, h("summary", {}, "All credentials in words"), inWords),
  );

  function setLive(answered) {
    live = answered && !state().stopped;
    root.classList.toggle("dead", !live);
    for (const control of controls) control.disabled = !live;
    tellRenew();
    panel.tell();
  }

  const present = () => {
    const passed = live ? Math.min(performance.now() - heardAt, 2000) / 1000 : 0;
    return Date.parse(state().now) + passed * state().speed * 1000;
  };
  const allBars = () => model.get("rows").flatMap((row) => row.bars);
  const barNow = () => allBars().find((bar) => bar.key === chosen);
  const renewing = () => (state().renewing ?? []).includes(roles.value);

  // --- The drawing: `place` puts everything where it belongs, `draw` moves it on with the time.

  /** The left edge of the window, and its length, in milliseconds. */
  function view(now) {
    if (span) return [now - span * NOW_AT + aside, span];
    const ends = allBars().map((bar) => Date.parse(bar.expires)).filter(Boolean);
    const from = Date.parse(state().first);
    const long = Math.max(now + MINUTE, ...ends) - from;
    return [from - long * 0.03 + aside, long * 1.1];
  }

  function place() {
    if (shown !== model.get("rows")) tellRows();
    const now = present();
    const [left, wide] = view(now);
    placed = { wide, now, room: axis.root.clientWidth };
    const at = (time) => ((time - left) / wide) * 100;
    const within = (percent) => Math.max(0, Math.min(100, percent));
    root.style.setProperty("--now", `${within(at(now))}%`);
    axis.draw(left, wide);
    for (const bar of allBars()) {
      const { button, marks } = drawn.get(bar.key);
      const [from, to] = [at(Date.parse(bar.issued)), bar.expires ? at(Date.parse(bar.expires)) : 200];
      // What is out of the window stays as a stub at its edge: it can be seen, and chosen.
      button.style.left = `min(${within(from)}%, 100% - 10px)`;
      button.style.width = `max(10px, ${within(to) - within(from)}%)`;
      button.dataset.out = to <= 0 ? "before" : from >= 100 ? "after" : "";
      button.classList.toggle("tl-begins", from >= 0);
      button.classList.toggle("tl-ends", to <= 100);
      const kept = new Map(); // one mark for calls of a kind that would lie on each other
      for (const [time, kind] of model.get("calls")[bar.key]?.marks ?? []) {
        const percent = at(Date.parse(time));
        if (percent >= 0 && percent <= 100) kept.set(`${kind} ${Math.round(percent)}`, [percent, kind]);
      }
      show(marks, ...[...kept.values()].map(([percent, kind]) => h("span",
        { class: `tl-mark ${kind}`, style: `left: ${percent.toFixed(2)}%` }, SIGN[kind])));
    }
  }

  function draw() {
    const now = present();
    clock.textContent = clockText(now);
    day.textContent = dayText(now);
    const moved = (Math.abs(now - placed.now) / placed.wide) * placed.room; // in pixels
    if (moved > 0.3 || axis.root.clientWidth !== placed.room) place();
    if (live && !line.waiting() && allBars().some(
      (bar) => bar.phase !== "expired" && Date.parse(bar.expires) <= now)) line.ask();
  }

  // --- The rows

  function makeBar(key) {
    const button = h("button", {
      type: "button",
      class: "tl-bar",
      onclick: () => choose(key),
      onfocus: () => choose(key),
      onkeydown: (event) => walkKeys(event, key),
    });
    return { button, marks: h("div", { class: "tl-marks", "aria-hidden": "true" }) };
  }

  function tellRows() {
    const rows = (shown = model.get("rows"));
    const keys = new Set(allBars().map((bar) => bar.key));
    for (const key of [...drawn.keys()]) if (!keys.has(key)) drawn.delete(key);
    const age = (bar) => (bar.expires ? Date.parse(bar.issued) : 0);
    if (!keys.has(chosen)) chosen = allBars().sort((a, b) => age(a) - age(b)).at(-1)?.key ?? null;
    const lines = rows.map((row) => {
      const last = row.bars.at(-1);
      for (const bar of row.bars) {
        if (!drawn.has(bar.key)) drawn.set(bar.key, makeBar(bar.key));
        const { button, marks } = drawn.get(bar.key);
        button.dataset.phase = bar.phase;
        button.style.setProperty("--lane", bar.lane);
        marks.style.setProperty("--lane", bar.lane);
        button.setAttribute("aria-label", bar.sentence);
        button.title = bar.sentence;
      }
      const made = drawn.get(row.bars[0].key);
      made.row ??= rowOf();
      made.row.tell(row, last);
      return made.row.root;
    });
    if (lines.length !== rowsAt.childElementCount || lines.some((line, i) => line !== rowsAt.children[i])) {
      const focused = rowsAt.contains(document.activeElement) ? document.activeElement : null;
      rowsAt.replaceChildren(...lines);
      focused?.focus({ preventScroll: true });
    }
    show(inWords, ...allBars().map((bar) => h("li", {}, bar.sentence)));
    mark();
  }

  function rowOf() {
    const label = h("div", { class: "tl-name" });
    const track = h("div", { class: "tl-track" });
    let last = null;
    label.addEventListener("click", () => choose(last, true));
    return {
      root: h("li", { class: "tl-row" }, label, track),
      tell(row, newest) {
        last = newest.key;
        label.style.setProperty("--depth", Math.min(row.depth, 5));
        show(label,
          h("span", { class: "tl-who" }, row.depth ? h("span", { "aria-hidden": "true" }, "↳ ") : "", row.label),
          h("span", { class: `tl-status ${newest.phase}` }, newest.status),
          h("span", { class: "note" }, row.note));
        track.style.setProperty("--lanes", Math.max(...row.bars.map((bar) => bar.lane)) + 1);
        const parts = row.bars.flatMap((bar) => Object.values(drawn.get(bar.key)).slice(0, 2));
        if (track.childElementCount !== parts.length) track.replaceChildren(...parts);
      },
    };
  }

  /** One bar is chosen: the only one that Tab stops at. Out of sight, it is brought into the window. */
  function choose(key, focus = false) {
    if (key !== chosen) {
      chosen = key;
      mark();
    }
    const bar = barNow();
    if (!bar) return;
    const [left, wide] = view(present());
    const end = bar.expires ? Date.parse(bar.expires) : Infinity;
    if (end < left) aside += end - left - wide / 4;
    else if (Date.parse(bar.issued) > left + wide) aside += Date.parse(bar.issued) - left - wide * 0.75;
    if (end < left || Date.parse(bar.issued) > left + wide) place();
    if (focus) drawn.get(key).button.focus({ preventScroll: true });
    drawn.get(key).button.closest(".tl-row")?.scrollIntoView({ block: "nearest" });
  }

  function mark() {
    for (const [key, { button }] of drawn) {
      button.tabIndex = key === chosen ? 0 : -1;
      button.toggleAttribute("data-chosen", key === chosen);
      if (key === chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    panel.tell();
  }

  function walkKeys(event, key) {
    const rows = model.get("rows");
    const y = rows.findIndex((row) => row.bars.some((bar) => bar.key === key));
    const x = rows[y].bars.findIndex((bar) => bar.key === key);
    const newest = (row) => row?.bars.at(-1);
    const to = {
      ArrowDown: newest(rows[y + 1]),
      ArrowUp: newest(rows[y - 1]),
      ArrowRight: rows[y].bars[x + 1],
      ArrowLeft: rows[y].bars[x - 1],
      Home: newest(rows[0]),
      End: newest(rows.at(-1)),
    }[event.key];
    if (/^(Arrow|Home|End)/.test(event.key)) event.preventDefault();
    if (to) choose(to.key, true);
  }

  // --- The panel of the chosen bar

  function makePanel() {
    const who = h("p", { class: "tl-sentence" });
    const key = h("p", { class: "note" });
    const facts = h("ul", { class: "tl-facts" });
    const button = (text, act) => h("button", { type: "button", onclick: act }, text);
    const goTo = (what) => () => {
      aside = 0;
      ask(what, chosen);
    };
    const walk = button("Walk to one second before the end", goTo("walk"));
    const step = button("Step over the end", goTo("step"));
    const revoke = button("", () => ask("revoke", barNow().role));
    const calls = h("select", { "aria-label": "Call to try" });
    const tryIt = button("Try it", () => ask("try", [chosen, calls.value]));
    tryIt.className = "main";
    const answer = h("p", { class: "tl-answer", role: "status" });
    const list = h("ol", { class: "calls", "aria-label": "Calls with it, the newest first", tabindex: "0" });
    const more = h("p", { class: "note" });
    const root = h("div", { class: "tl-panel", role: "group", "aria-label": "The chosen credential" },
      who, key, facts,
      h("div", { class: "tools" }, walk, step, revoke),
      h("div", { class: "tools" }, h("span", {}, "Call with it:"), calls, tryIt),
      answer, list, more);

    return {
      root,
      tell() {
        const bar = barNow();
        root.hidden = !bar;
        if (!bar) return;
        who.textContent = bar.sentence;
        show(key, "Access key ID ", h("code", {}, bar.key));
        show(facts, ...bar.facts.map((text) => h("li", {}, text)));
        walk.hidden = step.hidden = !bar.expires;
        walk.disabled = step.disabled = !live || bar.phase === "expired";
        revoke.hidden = !bar.role;
        revoke.textContent = `Revoke active sessions of role/${bar.role.split("/").at(-1)}`;
        revoke.disabled = calls.disabled = tryIt.disabled = !live;
        fill(calls, model.get("choices").map((name) => [name, name]));
        const made = model.get("calls")[bar.key] ?? { rows: [], more: "" };
        list.hidden = !made.rows.length;
        show(list, ...made.rows.map(callRow));
        more.textContent = made.more;
        const said = state().answer;
        show(answer, said?.key === bar.key ? `${said.ok ? "✓" : "✕"} ${said.text}` : "");
        answer.classList.toggle("no", said?.ok === false);
      },
    };
  }

  function tellRenew() {
    renew.textContent = renewing() ? "Stop renewing" : "Start a program that holds it";
    renew.disabled = !live || !roles.value;
  }

  /** Say what changed: a live region is read out, so it only holds events, never the time. */
  function tell() {
    const s = state();
    heardAt = performance.now();
    speeds.show(s.speed);
    show(news, s.stopped || s.notice || "");
    show(note, s.note);
    fill(roles, model.get("roles").map((role) => [role.arn, role.name]));
    setLive(!line.gone());
    draw();
  }

  model.on("change:state", tell);
  model.on("change:rows change:calls", () => (place(), panel.tell()));
  model.on("change:choices change:roles", () => panel.tell());
  place();
  tell();
  el.append(root);
  keepKeys(root, stop.signal);
  requestAnimationFrame(() => { // only the list is scrolled, not the notebook
    const row = drawn.get(chosen)?.button.closest(".tl-row");
    if (row) rowsAt.scrollTop = row.offsetTop - rowsAt.offsetTop - rowsAt.clientHeight / 2;
    place();
  });
  line.ask();
  const looking = setInterval(() => {
    if (live && !document.hidden && root.isConnected && !line.waiting()) line.ask();
  }, LOOK);
  const drawing = setInterval(() => {
    if (!document.hidden && root.isConnected) draw();
  }, DRAW);
  return () => {
    clearInterval(looking);
    clearInterval(drawing);
    stop.abort();
  };
}

export default { render };
