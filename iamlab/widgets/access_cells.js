// The cells of "Who can do what". Every row and column has its fixed size, so that any place can be
// found without drawing what lies before it.

const ROW = 38; // pixels
const COLUMN = 58;

/** The parts of the table: only the rows and columns of `drawn` get cells, the rest gets its room. */
function tableParts(grid, rows, columns, drawn, at) {
  const shown = columns.slice(drawn.left, drawn.right);
  const before = drawn.left * COLUMN;
  const after = (columns.length - drawn.right) * COLUMN;
  const width = (px) => (px ? h("col", { style: `width: ${px}px` }) : null);
  const pad = (px) => (px ? h("td", { "aria-hidden": "true" }) : null);
  const gap = (count) => (count ? h("tr", { "aria-hidden": "true" },
    h("td", { style: `height: ${count * ROW}px` })) : null);
  const place = (row, column) => ({
    "data-row": row,
    "data-column": column,
    tabindex: row === at.row && column === at.column ? "0" : "-1",
  });
  const head = h("tr", { "aria-rowindex": 1 },
    h("th", { scope: "col", class: "ax-corner", "aria-colindex": 1 }, "Principal"),
    pad(before),
    shown.map((column, j) => columnCell(grid, column, place(-1, drawn.left + j), drawn.left + j)),
    pad(after));
  const line = (row, i) => h("tr", { "aria-rowindex": i + 2 },
    h("th", { scope: "row", "aria-colindex": 1, title: grid.rows[row], ...place(i, -1) },
      h("span", {}, grid.rows[row])),
    pad(before),
    shown.map((column, j) => cell(grid, row, column, place(i, drawn.left + j), drawn.left + j)),
    pad(after));

  return [
    h("colgroup", {}, h("col", { class: "ax-name" }), width(before), shown.map(() => width(COLUMN)),
      width(after)),
    h("thead", {}, head),
    h("tbody", {}, gap(drawn.top),
      rows.slice(drawn.top, drawn.bottom).map((row, i) => line(row, drawn.top + i)),
      gap(rows.length - drawn.bottom)),
  ];
}

function columnCell(grid, column, place, j) {
  const name = grid.columns[column];
  return h("th", {
    scope: "col",
    "aria-colindex": j + 2,
    title: name,
    class: grid.kind === "action" ? null : "ax-zoom",
    ...place,
  }, h("span", {}, mayBreak(name)));
}

/** A long name may go on in a new line before each of its words. */
const mayBreak = (name) => name.split(/(?<=[a-z0-9])(?=[A-Z])/)
  .flatMap((word, i) => (i ? [h("wbr"), word] : [word]));

function cell(grid, row, column, place, j) {
  const value = grid.cells[row][column];
  const open = Math.abs(value);
  const action = grid.kind === "action";
  const total = action ? 2 : grid.totals[column];
  const text = !open ? "" : action ? ["some", "all"][open - 1] : open.toLocaleString("en");
  const said = open ? `${text}${action ? "" : ` of ${total}`}` : "closed";
  return h("td", {
    "aria-colindex": j + 2,
    "aria-label": `${said}${value < 0 ? ", unused" : ""}`,
    "data-share": open ? Math.max(1, Math.ceil((5 * open) / total)) : null,
    class: value < 0 ? "ax-unused" : null,
    ...place,
  }, text);
}

function legendParts([blue, hatched, keys]) {
  const swatch = (step, more) => h("span", { class: `ax-swatch ${more}`, "data-share": step });
  return [
    h("span", {}, [1, 2, 3, 4, 5].map((step) => swatch(step, "")), ` ${blue}`),
    h("span", {}, swatch(3, "ax-unused"), ` ${hatched}`),
    h("span", {}, keys),
  ];
}
