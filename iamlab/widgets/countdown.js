// The credential countdown's page. The time is Python's; between two answers the page only
// moves the bar on at the speed that Python named.

const LOOK = 1000; // milliseconds between two questions to Python
const DRAW = 100; // between two drawings

const two = (number) => String(Math.floor(number)).padStart(2, "0");

/** A length of time in its two largest parts. */
function inWords(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= 3600) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return s >= 60 ? `${Math.floor(s / 60)} min ${two(s % 60)} s` : `${s} s`;
}

function render({ model, el }) {
  const stop = new AbortController();
  const state = () => model.get("state");
  let heardAt = performance.now();
  let wasLive = null;
  let live = true;

  const left = h("div", { class: "left" });
  const fill = h("div", { class: "fill" });
  const bar = h("div", {
    class: "bar",
    role: "progressbar",
    "aria-label": "Time left",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  }, fill);
  const from = h("span", {});
  const until = h("span", {});
  const now = h("span", { class: "now" });
  const day = h("span", { class: "note" });
  const news = h("p", { class: "news", role: "status" });
  const calls = h("ol", { class: "calls", "aria-label": "Calls, the newest first", tabindex: "0" });
  const speeds = makeSpeeds(model.get("speeds"), (speed) => ask("speed", speed));
  const buttons = [
    h("button", { type: "button", onclick: () => ask("advance", 5) }, "+5 minutes"),
    h("button", { type: "button", class: "main", onclick: () => ask("call") },
      `Call now: ${model.get("call_name")}`),
  ];
  const line = connect(model, stop.signal, setLive, () => speeds.heard(state().speed));

  const root = h(
    "div",
    { class: "iamlab countdown", role: "group", "aria-label": "Credential countdown" },
    h("div", { class: "head" },
      h("span", { class: "title" }, "Credential countdown"),
      h("span", { class: "owner" }, state().owner, " ", h("code", {}, state().key))),
    line.banner,
    h("div", { class: "top" },
      h("div", { class: "remaining" }, left, bar, h("div", { class: "ends" }, from, until)),
      h("div", { class: "clock" }, h("span", { class: "part" }, "Lab time (UTC)"), now, day)),
    h("div", { class: "hands" }, speeds.root, h("div", { class: "tools" }, buttons)),
    news,
    calls,
  );

  function setLive(answered) {
    live = answered && !state().stopped;
    root.classList.toggle("dead", !live);
    for (const button of [...buttons, ...speeds.inputs]) button.disabled = !live;
  }

  function ask(what, value) {
    line.ask({ do: what, value });
  }

  /** Draw the time as it should be now: Python's last word, moved on by at most two seconds. */
  function draw() {
    const s = state();
    const passed = live ? Math.min(performance.now() - heardAt, 2000) / 1000 : 0;
    const time = Date.parse(s.now) + passed * s.speed * 1000;
    now.textContent = clockText(time);
    day.textContent = dayText(time);
    if (s.left === null) {
      left.textContent = "No end in sight";
      from.textContent = "This is a long-term key: it works until somebody deletes it.";
      bar.hidden = true;
      return;
    }
    const start = Date.parse(s.issued);
    const end = Date.parse(s.expires);
    const rest = (end - time) / 1000;
    const expired = s.left <= 0; // only Python says so
    const share = Math.max(0, Math.min(1, rest / Math.max(1, (end - start) / 1000)));
    const words = expired ? `Expired ${inWords(-rest)} ago` : `${inWords(rest)} left`;
    left.textContent = words;
    fill.style.width = `${expired ? 0 : share * 100}%`;
    root.dataset.phase = expired ? "expired" : share < 0.15 ? "soon" : "good";
    bar.setAttribute("aria-valuenow", String(Math.round((expired ? 0 : share) * 100)));
    bar.setAttribute("aria-valuetext", words);
    const at = (ms) => clockText(ms) + (dayText(ms) === dayText(time) ? "" : ` on ${dayText(ms)}`);
    from.textContent = `given ${at(start)}`;
    until.textContent = `${expired ? "expired" : "expires"} ${at(end)}`;
    if (!expired && rest <= 0 && live && !line.waiting()) ask("look");
  }

  /** Say what changed: a live region is read out, so it only holds events, never the time. */
  function tell() {
    const s = state();
    heardAt = performance.now();
    speeds.show(state().speed);
    const alive = s.left === null || s.left > 0;
    if (wasLive === true && !alive) {
      show(news, `The credentials have expired. ${s.notice}`.trim());
    }
    if (alive) show(news, "");
    if (s.stopped) show(news, s.stopped);
    wasLive = alive;
    setLive(!line.gone());
    const rows = [...s.calls].reverse();
    calls.hidden = !rows.length;
    if (calls.childElementCount !== rows.length) calls.replaceChildren(...rows.map(callRow));
    draw();
  }

  model.on("change:state", tell);
  tell();
  el.append(root);
  keepKeys(root, stop.signal);
  ask("look");
  const looking = setInterval(() => {
    if (live && !document.hidden && root.isConnected && !line.waiting()) ask("look");
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
