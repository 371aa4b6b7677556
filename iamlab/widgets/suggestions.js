// Suggestions while one types: a list under the caret, by keyboard and by mouse.
// Python says what fits (completion.py); here it is asked for, shown and put in.

/** Give a field or an editor its suggestions.
 *  `area`: the input or textarea; `root`: what the list is laid over; `caret()`: where, in pixels
 *  inside `root`; `want(at, take)`: asks Python; `quoted`: what is put in ends with a quote. */
function makeSuggestions({ area, root, caret, want, label, quoted }) {
  const list = h("ul", { class: "suggestions", role: "listbox", id: freshId("list"), hidden: true,
    "aria-label": `Suggestions for ${label}` });
  const said = h("span", { class: "iamlab-offpage", role: "status" });
  const single = area.tagName === "INPUT";
  let found = null; // what Python proposed for the text as it is
  let at = -1; // the row that Enter takes
  let quiet = false; // what is put in by a suggestion asks for no others

  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  if (single) {
    area.setAttribute("role", "combobox");
    area.setAttribute("aria-expanded", "false");
  }
  area.addEventListener("input", (event) => {
    const typed = /^insert(Text|Composition)/.test(event.inputType ?? "") || found;
    if (quiet || area.readOnly || !typed || document.activeElement !== area) close();
    else {
      narrow();
      ask();
    }
  });
  area.addEventListener("blur", close);
  area.addEventListener("click", close);
  area.addEventListener("keydown", onKey);
  // What follows a mouse click must not take the focus from the text.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const row = event.target.closest("[role=option]");
    if (row) take(Number(row.dataset.at));
  });
  root.append(list, said);

  /** `all`: whatever is typed; a field shows everything that could stand in it. */
  function ask(all = false) {
    const text = area.value;
    want(all ? 0 : area.selectionEnd, (rows) => {
      if (rows && area.value === text && document.activeElement === area) open(rows);
      else if (area.value === text) close();
    });
  }

  /** What is open is about the text as it was: until Python answers, keep what still fits. */
  function narrow() {
    if (!found) return;
    const typed = area.value.slice(found.start, area.selectionEnd).toLowerCase();
    const rows = found.rows.filter((row) => row.text.toLowerCase().includes(typed));
    const end = found.end + area.value.length - found.length;
    if (rows.length && typed) open({ ...found, rows, end, more: 0 });
    else close();
  }

  function open(rows) {
    found = { ...rows, length: area.value.length };
    list.replaceChildren(
      ...rows.rows.map((row, i) => h(
        "li",
        { role: "option", id: `${list.id}-${i}`, "data-at": String(i), "aria-selected": "false" },
        h("span", { class: "written" }, row.text.trim()),
        row.note && h("span", { class: "note" }, row.note),
      )),
    );
    if (rows.more) list.append(h("li", { role: "presentation", class: "note" },
      `and ${rows.more} more: type on`));
    list.hidden = false;
    const { left, top } = caret();
    const room = root.clientWidth;
    list.style.top = `${top}px`;
    list.style.left = "0px";
    list.style.left = `${Math.max(0, Math.min(left, room - list.offsetWidth))}px`;
    if (single) area.setAttribute("aria-expanded", "true");
    said.textContent = rows.rows.length === 1 ? "1 suggestion" : `${rows.rows.length} suggestions`;
    choose(0);
  }

  function close() {
    if (!found) return;
    found = null;
    list.hidden = true;
    said.textContent = "";
    area.removeAttribute("aria-activedescendant");
    if (single) area.setAttribute("aria-expanded", "false");
  }

  function choose(next) {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = next;
    const row = list.children[at];
    row.setAttribute("aria-selected", "true");
    area.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  /** Put a row in place of what is typed; Ctrl+Z takes it back. */
  function take(number) {
    const row = found.rows[number];
    const { start, end, closed } = found;
    const ends = quoted && !row.open && !closed;
    const write = () => document.execCommand("insertText", false, row.text + (ends ? '"' : ""));
    area.setSelectionRange(start, end);
    if (row.open) write();
    else hush(write);
    if (row.select) area.setSelectionRange(start + row.select[0], start + row.select[0] + row.select[1]);
    else if (quoted && !row.open && closed) {
      const after = start + row.text.length + 1; // past the quote that stood there already
      area.setSelectionRange(after, after);
    }
    if (!row.open) close();
  }

  function onKey(event) {
    if (event.isComposing || area.readOnly) return;
    const open = Boolean(found);
    const last = open ? found.rows.length - 1 : 0;
    if (event.ctrlKey && event.key === " ") ask();
    else if (!open && single && event.key === "ArrowDown") ask(true);
    else if (!open || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    else if (event.key === "ArrowDown") choose(at === last ? 0 : at + 1);
    else if (event.key === "ArrowUp") choose(at === 0 ? last : at - 1);
    else if (event.key === "PageDown") choose(Math.min(last, at + 8));
    else if (event.key === "PageUp") choose(Math.max(0, at - 8));
    else if (event.key === "Enter") take(at);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** Change the text without asking for suggestions. */
  function hush(work) {
    quiet = true;
    work();
    quiet = false;
  }

  return { ask, close, hush, isOpen: () => Boolean(found) };
}
