// The page of "Who can do what": a real table of which only what can be seen is drawn. All numbers
// and sentences are Python's.

const MORE = 5; // rows and columns that are drawn beyond what is seen
const WAIT = 140; // milliseconds after a key until Python is asked

function render({ model, el }) {
  const stop = new AbortController();
  const grid = () => model.get("grid");
  const view = () => model.get("view");
  let live = true;
  let at = { row: 0, column: 0 }; // the cell that the arrows move from; -1 is a name
  let drawn = null; // which rows and columns stand on the page
  let timer; // until a cell is asked about
  const tickets = new Set(); // of the files that this view asked for
  let typed; // until what was typed is sent
  let wanted = null; // the name of the column to be on after zooming back

  const line = connect(model, stop.signal, setLive, heard);
  const summary = h("p", { class: "ax-summary", role: "status" });
  const crumbs = h("nav", { class: "ax-crumbs", "aria-label": "Zoom" });
  const table = h("table", { role: "grid" });
  const scroller = h("div", { class: "ax-scroll scrolls" }, table);
  const said = h("p", { class: "ax-said", role: "status" });
  const go = h("button", { type: "button", class: "main", hidden: true, onclick: enter });
  const panel = h("div", { class: "ax-panel", role: "group", hidden: true, tabindex: "-1" });
  const news = h("p", { class: "ax-news", role: "status" });
  const legend = h("p", { class: "ax-legend" });

  const sort = h("select", { onchange: () => arrange({ sort: sort.value }) },
    Object.entries(model.get("sorts")).map(([value, text]) => h("option", { value }, text)));
  const wide = h("input", { type: "checkbox", onchange: () => arrange({ wide: wide.checked }) });
  const names = filter();
  const columns = filter();
  const columnsLabel = h("span", {});
  const files = ["CSV", "PNG"].map((kind) => h("button", {
    type: "button",
    "aria-label": `Export to ${kind}`,
    onclick: () => {
      const ticket = freshId("file");
      tickets.add(ticket);
      line.ask({ do: kind.toLowerCase(), ticket });
    },
  }, kind));
  const again = h("button", { type: "button", onclick: () => line.ask() }, "Look again");
  const controls = [sort, wide, names, columns, again, go, ...files];

  const root = h("div", { class: "iamlab access", role: "group", "aria-label": "Who can do what" },
    h("div", { class: "head" },
      h("span", { class: "title" }, "Who can do what"),
      h("div", { class: "tools" }, again, h("span", { class: "note" }, "Export"), files)),
    line.banner,
    h("div", { class: "ax-tools" },
      h("label", {}, "Principals with ", names),
      h("label", {}, columnsLabel, columns),
      h("label", {}, "Sort by ", sort),
      h("label", { class: "ax-check" }, wide, h("span", {}, "Only what is open on everything"))),
    h("div", { class: "ax-where" }, crumbs, summary),
    news,
    scroller,
    h("div", { class: "ax-read" }, said, go),
    panel,
    legend);

  function setLive(answered) {
    live = answered && !view().stopped;
    for (const one of controls) one.disabled = !live;
    for (const one of crumbs.querySelectorAll("button")) one.disabled = !live;
  }

  function filter() {
    return h("input", {
      type: "text",
      spellcheck: "false",
      autocomplete: "off",
      oninput: () => {
        clearTimeout(typed);
        typed = setTimeout(
          () => arrange({ principals: names.value, columns: columns.value }), WAIT);
      },
    });
  }

  function later(act) {
    clearTimeout(timer);
    timer = setTimeout(act, WAIT);
  }

  function arrange(value) {
    if (live) line.ask({ do: "arrange", value });
  }

  // --- The table ---------------------------------------------------------------------------

  const name = () => table.querySelector("col")?.offsetWidth || 150;

  /** Which rows and columns can be seen, and `more` around them. */
  function seen(more) {
    const { rows, columns } = view();
    const span = (start, length, size, all) => [
      Math.max(0, Math.floor(start / size) - more),
      Math.min(all, Math.ceil((start + length) / size) + more),
    ];
    const [top, bottom] = span(scroller.scrollTop, scroller.clientHeight || 600, ROW, rows.length);
    const [left, right] = span(
      scroller.scrollLeft, scroller.clientWidth || 1200, COLUMN, columns.length);
    return { top, bottom, left, right };
  }

  function draw(force) {
    const now = seen(0);
    const inside = drawn && now.top >= drawn.top && now.bottom <= drawn.bottom
      && now.left >= drawn.left && now.right <= drawn.right;
    if (inside && !force) return;
    drawn = { ...seen(MORE), depth: grid().path.length };
    const focused = table.contains(document.activeElement);
    const { rows, columns } = view();
    table.setAttribute("aria-rowcount", rows.length + 1);
    table.setAttribute("aria-colcount", columns.length + 1);
    table.setAttribute("aria-label", view().title);
    table.style.setProperty("--ax-width", `${columns.length * COLUMN}px`);
    table.replaceChildren(...tableParts(grid(), rows, columns, drawn, at));
    scroller.hidden = !rows.length || !columns.length;
    if (focused) focus(false);
  }

  // --- Moving about ------------------------------------------------------------------------

  const active = () => table.querySelector(`[data-row="${at.row}"][data-column="${at.column}"]`);

  /** Move the focus to the cell that is active; scroll there if wanted. */
  function focus(scroll) {
    if (scroll) {
      const header = table.tHead?.offsetHeight ?? 0;
      const top = at.row * ROW;
      const left = at.column * COLUMN;
      const height = scroller.clientHeight - header;
      const width = scroller.clientWidth - name();
      if (at.row >= 0 && top < scroller.scrollTop) scroller.scrollTop = top;
      else if (at.row >= 0 && top + ROW > scroller.scrollTop + height) scroller.scrollTop = top + ROW - height;
      if (at.column >= 0 && left < scroller.scrollLeft) scroller.scrollLeft = left;
      else if (at.column >= 0 && left + COLUMN > scroller.scrollLeft + width) {
        scroller.scrollLeft = left + COLUMN - width;
      }
      draw(false);
    }
    for (const one of table.querySelectorAll('[tabindex="0"]')) one.tabIndex = -1;
    const target = active();
    if (!target) return;
    target.tabIndex = 0;
    target.focus({ preventScroll: true });
  }

  function moveTo(row, column) {
    const clamp = (value, all) => Math.max(-1, Math.min(all - 1, value));
    at = { row: clamp(row, view().rows.length), column: clamp(column, view().columns.length) };
    if (at.row === -1 && at.column === -1) at.column = 0;
    focus(true);
    later(read);
  }

  const real = ({ row, column }) => ({
    row: row < 0 ? -1 : view().rows[row] ?? -1,
    column: column < 0 ? -1 : view().columns[column] ?? -1,
  });

  function read() {
    if (live) line.ask({ do: "cell", ...real(at) });
  }

  /** What Enter does: zoom into the column, or show the statements behind a cell. */
  function enter() {
    const { row, column } = real(at);
    if (!live || column < 0) return;
    const path = grid().path;
    if (path.length < 2) zoom([...path, grid().columns[column]]);
    else if (row >= 0) {
      clearTimeout(timer); // the answer says what the cell means, too
      line.ask({ do: "open", row, column });
    }
  }

  let saidOf = ""; // the cell that the sentence is about
  const from = []; // where one stood at each depth
  let principal = "";
  function zoom(path) {
    clearTimeout(timer);
    principal = grid().rows[real(at).row] ?? "";
    const depth = grid().path.length;
    if (path.length > depth) from[depth] = grid().columns[real(at).column];
    wanted = path.length < depth ? from[path.length] : null;
    hidePanel();
    line.ask({ do: "zoom", path });
  }

  function hidePanel() {
    panel.hidden = true;
    panel.replaceChildren();
  }

  scroller.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 3);
    const moves = {
      ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1],
      PageDown: [page, 0], PageUp: [-page, 0], Home: [0, -1e6], End: [0, 1e6],
    };
    if (moves[event.key]) {
      const [down, right] = moves[event.key];
      moveTo(Math.max(event.key === "PageUp" ? 0 : -1, at.row + down), at.column + right);
    } else if (event.key === "Enter" || event.key === " ") enter();
    else return;
    event.preventDefault();
  });

  // Escape goes back one step as long as there is one; after that it is JupyterLab's again.
  window.addEventListener("keydown", (event) => {
    const depth = grid().path.length;
    if (event.key !== "Escape" || !(scroller.contains(event.target) || panel.contains(event.target))) return;
    if (panel.hidden && !depth) return;
    event.target.setAttribute("data-lm-suppress-shortcuts", "");
    event.preventDefault();
    if (!panel.hidden) {
      hidePanel();
      focus(true);
    } else if (live) zoom(grid().path.slice(0, -1));
  }, { capture: true, signal: stop.signal });

  function spot(event) {
    const target = event.target.closest("[data-row]");
    return target && [Number(target.dataset.row), Number(target.dataset.column)];
  }
  table.addEventListener("click", (event) => {
    const found = spot(event);
    if (!found) return;
    moveTo(...found);
    // A name on top, and an action, lead somewhere at once; a number first says what it means.
    if (found[1] >= 0 && (found[0] < 0 || grid().path.length === 2)) enter();
  });
  table.addEventListener("dblclick", (event) => spot(event) && enter());
  scroller.addEventListener("scroll", () => requestAnimationFrame(() => draw(false)));

  // --- What Python says --------------------------------------------------------------------

  function heard(message) {
    if (message.cell && message.cell.join() === [real(at).row, real(at).column].join()) {
      saidOf = message.cell.join();
      show(said, ...rich(message.said));
      go.hidden = !message.go;
      go.textContent = message.go || "";
    }
    if (message.panel) openPanel(message.panel);
  }

  function openPanel({ title, sentence, rows }) {
    const close = h("button", { type: "button", onclick: () => { hidePanel(); focus(true); } }, "Close");
    panel.setAttribute("aria-label", title);
    panel.replaceChildren(
      h("div", { class: "ax-top" }, h("span", { class: "part" }, title), close),
      h("p", { class: sentence.startsWith("Open") ? "ax-open" : "ax-closed" }, rich(sentence)),
      h("ol", {}, rows.map((row) => h("li", {},
        h("span", { class: `chip ${row.effect.toLowerCase()}` }, row.effect),
        h("div", {}, h("p", {}, h("b", {}, row.name), ` ${row.scope}`), h("pre", {}, row.text))))));
    panel.hidden = false;
    panel.focus({ preventScroll: true });
    panel.scrollIntoView({ block: "nearest" });
  }

  function save({ name, type, text, base64, alt }) {
    const data = base64 ? Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)) : text;
    const address = URL.createObjectURL(new Blob([data], { type }));
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    show(news, `${name} is in your downloads.${alt ? ` It shows: ${alt}` : ""}`);
  }

  function tell() {
    const v = view();
    summary.textContent = v.stopped || v.summary;
    const path = grid().path;
    show(legend, ...legendParts(grid().legend));
    columnsLabel.textContent = `${grid().kind[0].toUpperCase()}${grid().kind.slice(1)}s with `;
    sort.value = v.sort;
    wide.checked = v.wide;
    for (const [field, text] of [[names, v.filters[0]], [columns, v.filters[1]]]) {
      if (document.activeElement !== field) field.value = text;
    }
    const steps = ["All services", ...path];
    show(crumbs, h("ol", {}, steps.map((step, i) => h("li", {}, i === path.length
      ? h("span", { "aria-current": "page" }, step)
      : h("button", { type: "button", class: "link" }, step)))));
    crumbs.querySelectorAll("button").forEach((button, i) => {
      button.onclick = () => zoom(path.slice(0, i));
    });
    setLive(!line.gone());
  }

  function changed() {
    const depth = grid().path.length;
    const zoomed = drawn !== null && drawn.depth !== depth;
    show(news, ""); // about a file of what was shown before
    tell();
    if (zoomed || saidOf !== [real(at).row, real(at).column].join()) {
      show(said, "");
      go.hidden = true;
    }
    if (zoomed) {
      const find = (all, list, what) => Math.max(0, list.findIndex((i) => all[i] === what));
      const had = root.contains(document.activeElement) || document.activeElement === document.body;
      at = {
        row: find(grid().rows, view().rows, principal),
        column: wanted ? find(grid().columns, view().columns, wanted) : 0,
      };
      scroller.scrollLeft = 0;
      draw(true);
      if (had) {
        focus(true);
        later(read);
      }
    } else {
      at = { row: Math.min(at.row, view().rows.length - 1),
        column: Math.min(at.column, view().columns.length - 1) };
      draw(true);
    }
  }

  model.on("change:view", changed);
  // A figure takes its time: it is taken also when something else was asked meanwhile.
  model.on("msg:custom", (message) => {
    if (message.file && tickets.delete(message.ticket)) save(message.file);
  });
  tell();
  el.append(root);
  draw(true);
  const sizes = new ResizeObserver(() => draw(false));
  sizes.observe(scroller);
  keepKeys(root, stop.signal);
  line.ask();
  return () => {
    clearTimeout(timer);
    clearTimeout(typed);
    sizes.disconnect();
    stop.abort();
  };
}

export default { render };
