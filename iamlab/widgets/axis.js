// The time axis of a drawing: ticks that can be read, however much time it shows.

const MINUTE = 60e3;
const DAY = 86400e3;
// Distances that two ticks can have: ten seconds to a year.
const STEPS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
  172800, 604800, 2592000, 31536000].map((seconds) => seconds * 1000);
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const TICK = 70; // pixels that a tick's text needs

function makeAxis() {
  const root = h("div", { class: "tl-axis", "aria-hidden": "true" });

  function text(time, step) {
    const at = new Date(time);
    if (step > 100 * DAY) return String(at.getUTCFullYear());
    if (time % DAY === 0) return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
    return clockText(time).slice(0, step < MINUTE ? 8 : 5);
  }

  /** Draw the ticks of a window that begins at `left` and is `wide` milliseconds long. */
  function draw(left, wide) {
    const room = root.clientWidth || 600;
    const step = STEPS.find((length) => (length / wide) * room >= TICK) ?? STEPS.at(-1);
    const ticks = [];
    for (let time = Math.ceil(left / step) * step; time <= left + wide; time += step) {
      const at = (time - left) / wide;
      const name = room * (1 - at) > TICK ? text(time, step) : "";
      ticks.push(h("span", { class: "tl-tick", style: `left: ${(at * 100).toFixed(2)}%` }, name));
    }
    show(root, ...ticks);
  }

  return { root, draw };
}

/** Give a select its options, if they changed, and keep what was chosen. */
function fill(select, options) {
  const key = JSON.stringify(options);
  if (select.iamlabShown === key) return;
  select.iamlabShown = key;
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  if (options.some(([value]) => value === before)) select.value = before;
}
