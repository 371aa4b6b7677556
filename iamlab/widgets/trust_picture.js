// The picture of a trust graph. Python places the boxes in columns and rows; this draws them: in
// columns where there is room, else one below the other with arcs beside them.

const GAP = 14; // pixels between two boxes of a column, half of it when there are many
const NARROW = 140; // a column needs so many pixels
const TOLD = 3; // steps of a box told under the graph; all are in the list below

// A picture's elements are made in the namespace that the browser's own parser gives them.
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").body.firstChild.namespaceURI;

const svg = (tag, props) => {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) el.setAttribute(name, value);
  return el;
};

/** A name that may go on in a new line where its parts end. */
const broken = (name) => name.split(/(?<=[.\-_@+=])/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));

/** The graph: boxes are buttons, the arrows behind them one picture. */
function makeGraph(onPick) {
  const arrows = svg("svg", { "aria-hidden": "true", focusable: "false" });
  const root = h("div", { class: "graph", role: "group", "aria-label":
    "Graph. Arrow keys go from box to box, Enter chooses, Escape clears." }, arrows);
  const hint = h("p", { class: "told" },
    h("span", {}, "Point at a box or an arrow, or go there by arrow keys: what it means is told here."),
    h("span", {}, "A click or Enter on two boxes shows the way from the first to the second."),
    h("span", {}, "Escape takes the choice back."));
  let s;
  let nodes = [];
  let at = ""; // the box that Tab comes to
  let drawn = -1; // the width it was last drawn for
  let narrow = false;

  const box = (node) => h("button", {
    type: "button",
    class: `node${node.up ? " up" : ""}`,
    "data-name": node.name,
    "aria-label": node.said,
    "aria-pressed": String([s.source, s.target].includes(node.name)),
    tabindex: node.name === at ? "0" : "-1",
    title: node.name,
    onclick: () => onPick(node.name),
    onfocus: () => {
      move(node.name);
      tell(node);
    },
    onblur: () => light(() => false),
    onpointerenter: () => tell(node),
    onpointerleave: () => light(() => false),
  }, h("span", { class: "node-kind" }, node.kind), h("span", { class: "node-name" }, broken(node.label)));

  /** Say what is known of a box, and light up its arrows. */
  function tell(node) {
    const i = s.nodes.indexOf(node);
    const mine = s.edges.filter((edge) => edge.ends.includes(i));
    show(hint, h("b", {}, node.said), ...mine.slice(0, TOLD).map((edge) => h("span", {}, edge.said)),
      ...(mine.length > TOLD
        ? [h("span", {}, `and ${mine.length - TOLD} more, in the list below`)] : []));
    light((edge) => mine.includes(edge));
  }

  function light(wanted) {
    for (const path of arrows.querySelectorAll(".edge")) {
      path.classList.toggle("lit", wanted(s.edges[path.dataset.edge]));
    }
  }

  function move(name) {
    at = name;
    for (const el of nodes) el.tabIndex = el.dataset.name === name ? 0 : -1;
  }

  /** The box next to another in the direction of an arrow key. */
  function beside(i, key) {
    const here = s.nodes[i];
    if (key === "Home") return 0;
    if (key === "End") return nodes.length - 1;
    const step = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
    if (narrow) return i + step;
    if (key === "ArrowUp" || key === "ArrowDown") {
      return s.nodes[i + step]?.column === here.column ? i + step : i;
    }
    const near = s.nodes.filter((node) => node.column === here.column + step)
      .sort((a, b) => Math.abs(a.row - here.row) - Math.abs(b.row - here.row));
    return near.length ? s.nodes.indexOf(near[0]) : i;
  }

  root.addEventListener("keydown", (event) => {
    const i = nodes.indexOf(event.target);
    if (i < 0 || !/^(Arrow|Home|End)/.test(event.key)) return;
    event.preventDefault();
    nodes[beside(i, event.key)]?.focus();
  });

  /** Draw the state anew; the focus stays on the box it was on. */
  function draw(next) {
    const focused = nodes.includes(document.activeElement) ? at : null;
    s = next;
    if (!s.nodes.some((node) => node.name === at)) at = s.nodes[0]?.name ?? "";
    nodes = s.nodes.map(box);
    root.replaceChildren(arrows, ...nodes);
    root.hidden = !nodes.length;
    root.classList.toggle("dense", s.dense);
    drawn = -1;
    place();
    const back = nodes.find((el) => el.dataset.name === focused);
    if (back) back.focus({ preventScroll: true });
  }

  /** Put everything where the width wants it. */
  function place() {
    const width = root.clientWidth;
    if (!s || !width || width === drawn) return;
    drawn = width;
    narrow = width / s.columns < NARROW;
    root.classList.toggle("narrow", narrow);
    const span = (width - 2) / s.columns;
    const arcs = Math.min(90, width * 0.28); // the room at the left of boxes in one column
    const boxed = narrow ? width - arcs : Math.min(190, span - Math.max(36, span * 0.24));
    for (const el of nodes) el.style.width = `${boxed}px`;
    const tall = Math.max(0, ...nodes.map((el) => el.offsetHeight)) + (s.dense ? GAP / 2 : GAP);
    const height = (narrow ? nodes.length : s.rows) * tall;
    const middle = (row) => (row + 0.5) * tall;
    const left = (column) => (s.columns === 1 ? 0 : (column * (width - 2 - boxed)) / (s.columns - 1)) + 1;
    nodes.forEach((el, i) => {
      const node = s.nodes[i];
      el.style.left = `${narrow ? arcs : left(node.column)}px`;
      el.style.top = `${middle(narrow ? i : node.row) - el.offsetHeight / 2}px`;
    });
    root.style.height = `${height}px`;
    arrows.setAttribute("viewBox", `0 0 ${width} ${height}`);
    arrows.style.height = `${height}px`;
    const way = s.ways[s.way] ?? [];
    const onWay = (edge) => way.some((step) => step.source === s.nodes[edge.ends[0]].name
      && step.target === s.nodes[edge.ends[1]].name);
    const route = (edge) => {
      const [a, b] = edge.ends;
      if (narrow) return arc(arcs, middle(a), middle(b), arcs - 12, nodes.length * tall);
      const [one, two] = [s.nodes[a], s.nodes[b]];
      const start = [left(one.column) + boxed, middle(one.row)];
      if (one.column >= two.column) {
        return loop(start, [left(two.column) + boxed, middle(two.row)], span - boxed);
      }
      return curve([start, ...edge.bends.flatMap(([column, row]) => [
        [left(column), middle(row)], [left(column) + boxed, middle(row)],
      ]), [left(two.column) - 7, middle(two.row)]]);
    };
    arrows.replaceChildren();
    s.edges.forEach((edge, i) => {
      const [d, x, y, turned] = route(edge);
      const kind = `edge${edge.up ? " up" : ""}${way.length ? (onWay(edge) ? " on" : " off") : ""}`;
      const path = svg("g", { class: kind, "data-edge": i });
      const back = turned ? 8 : -8;
      path.append(svg("path", { d }),
        svg("path", { d: `M${x + back} ${y - 4} L${x} ${y} L${x + back} ${y + 4} z`, class: "tip" }));
      const hit = svg("path", { d, class: "hit" });
      hit.addEventListener("pointerenter", () => {
        show(hint, h("b", {}, edge.said), ...(edge.up ? [h("span", {}, "Leads to administrator.")] : []));
        light((other) => other === edge);
      });
      hit.addEventListener("pointerleave", () => light(() => false));
      arrows.append(path, hit);
    });
  }

  return { root, hint, draw, place };
}

// Each of these gives a path, the point where it ends, and whether it comes there from the right.

/** A smooth line through points, level at each. */
const curve = (points) => [points.reduce((d, [x, y], i) => {
  if (!i) return `M${x} ${y}`;
  const mid = (points[i - 1][0] + x) / 2;
  return `${d} C${mid} ${points[i - 1][1]} ${mid} ${y} ${x} ${y}`;
}, ""), points.at(-1)[0] + 5, points.at(-1)[1], false];

/** From the right side of a box to the right side of another in its column. */
const loop = ([x, y], [, end], room) => {
  const out = x + Math.min(room * 0.6, 14 + Math.abs(end - y) * 0.12);
  return [`M${x} ${y} C${out} ${y} ${out} ${end} ${x + 7} ${end}`, x + 2, end, true];
};

/** An arc at the left of boxes that stand one below the other: the longer, the wider. */
const arc = (x, y, end, room, whole) => {
  const out = x - 14 - (room - 14) * 1.3 * Math.sqrt(Math.abs(end - y) / whole);
  return [`M${x} ${y - 4} C${out} ${y - 4} ${out} ${end + 4} ${x - 7} ${end + 4}`, x - 2, end + 4, false];
};
