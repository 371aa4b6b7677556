// A policy editor: a plain textarea, and behind it the same text in colour, line by line.

// Longer texts than AWS takes are not coloured: the page must stay quick.
const COLOUR_LIMIT = 60000;
const TOKEN = /("(?:[^"\\\n]|\\.)*"?)(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)\b|([{}[\],:])|(\s+)|([^\s"{}[\],:]+)/g;

/** Colour one line of JSON. Strings with a wildcard or a variable show it. */
function colourLine(line, from) {
  const parts = [];
  const add = (text, name, at) => {
    const bad = from !== null && at + text.length > from && text.trim();
    parts.push(name || bad ? h("span", { class: `${name}${bad ? " wavy" : ""}` }, text) : text);
  };
  for (const match of line.matchAll(TOKEN)) {
    const [, string, colon, literal, mark, space, other] = match;
    let at = match.index;
    if (string !== undefined) {
      if (colon !== undefined) add(string, "t-key", at);
      else {
        for (const piece of string.split(/(\$\{[^}"]*\}|[*?])/)) {
          if (piece) add(piece, /^(\$\{|[*?]$)/.test(piece) ? "t-wild" : "t-string", at);
          at += piece.length;
        }
      }
      if (colon !== undefined) add(colon, "t-mark", match.index + string.length);
    } else if (literal !== undefined) add(literal, "t-literal", at);
    else if (mark !== undefined) add(mark, "t-mark", at);
    else add(space ?? other, "", at);
  }
  return parts;
}

/** Make an editor. `onInput(text)` is called at each change; `want` asks for suggestions. */
function makeEditor({ label, describedBy, onInput, want }) {
  const id = freshId("editor");
  const lines = h("div", { class: "lines", "aria-hidden": "true" });
  const area = h("textarea", {
    id,
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    "aria-describedby": describedBy,
    "aria-label": label,
    placeholder: "No policy here. Write or paste one.",
    oninput: () => {
      paint();
      onInput(area.value);
    },
  });
  const inner = h("div", { class: "editor" }, lines, area);
  const root = h("div", { class: "frame" }, inner);
  let marks = new Map(); // line number -> {kind: "bad" | "hint" | "near" | "decided", column, sign}
  let painted = [];

  const suggestions = makeSuggestions({ area, root, caret: caretBelow, want, label, quoted: true });
  area.addEventListener("keydown", indent); // after the suggestions, which may take the Enter

  function paint() {
    const texts = area.value.split("\n");
    const plain = area.value.length > COLOUR_LIMIT;
    const next = texts.map((text, i) => {
      const mark = marks.get(i + 1);
      const shown = mark ? `${mark.kind} ${mark.column} ${mark.sign}` : "";
      return { text, mark, key: `${shown} ${plain} ${text}` };
    });
    next.forEach((row, i) => {
      if (painted[i]?.key === row.key) return;
      const from = row.mark?.kind === "bad" && row.mark.column ? row.mark.column - 1 : null;
      const line = h(
        "div",
        { class: `line ${row.mark?.kind ?? ""}`, "data-number": i + 1, "data-sign": row.mark?.sign || null },
        plain ? row.text : colourLine(row.text, from),
        "\u200b", // an empty line keeps its height
      );
      if (lines.children[i]) lines.children[i].replaceWith(line);
      else lines.append(line);
    });
    while (lines.children.length > next.length) lines.lastChild.remove();
    painted = next;
    const wide = String(Math.max(2, String(next.length).length));
    if (inner.style.getPropertyValue("--digits") !== wide) inner.style.setProperty("--digits", wide);
  }

  /** Where the caret is, by the coloured layer: it has the same lines, wrapped the same. */
  function caretBelow() {
    const before = area.value.slice(0, area.selectionEnd).split("\n");
    const line = lines.children[before.length - 1];
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let left = before.at(-1).length;
    while (walker.nextNode() && left > walker.currentNode.length) left -= walker.currentNode.length;
    const range = document.createRange();
    range.setStart(walker.currentNode, Math.min(left, walker.currentNode.length));
    const at = range.getBoundingClientRect();
    const box = root.getBoundingClientRect();
    return { left: at.left - box.left, top: at.bottom - box.top + 2 };
  }

  /** Enter keeps the indentation, and goes one step in after an opening bracket. */
  function indent(event) {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey) return;
    if (event.altKey || event.isComposing) return;
    const before = area.value.slice(0, area.selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const step = /[{[]\s*$/.test(line) ? "  " : "";
    const text = `\n${/^\s*/.exec(line)[0]}${step}`;
    if (document.execCommand("insertText", false, text)) event.preventDefault();
  }

  return {
    root,
    area,
    get text() {
      return area.value;
    },
    /** Put in a text that the learner did not type. `undo` keeps the old one within Ctrl+Z. */
    put(text, undo = false) {
      if (text === area.value) return;
      if (undo && !area.readOnly) suggestions.hush(() => typeInto(area, text));
      else area.value = text;
      paint();
    },
    /** Mark lines. Each mark is {line, to, kind, column}; the gravest come last and win. */
    mark(rows) {
      marks = new Map();
      for (const row of rows) {
        for (let line = row.line; line <= (row.to ?? row.line); line += 1) {
          const sign = line === row.line ? SIGNS[row.kind] : "";
          marks.set(line, { kind: row.kind, column: row.column, sign });
        }
      }
      area.setAttribute("aria-invalid", String(rows.some((row) => row.kind === "bad")));
      paint();
    },
    /** Move the caret to a place, given as line and column from 1. */
    go(line, column) {
      const start = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      const at = Math.min(start + Math.max(0, (column ?? 1) - 1), area.value.length);
      area.focus();
      area.setSelectionRange(at, at);
      lines.children[line - 1]?.scrollIntoView({ block: "nearest" });
    },
  };
}

// A sign in the margin beside the colour.
const SIGNS = { bad: "✗", hint: "!", near: "≠", decided: "▸" };
