// The progress map's page.

function render(page) {
  const summary = h("span", {});
  const fill = h("div", { class: "fill" });
  const bar = h("div", { class: "bar", "aria-hidden": "true" }, fill);
  const finished = h("p", { class: "finished", role: "status" });
  const lessons = h("ol", { class: "lessons", "aria-label": "Lessons" });
  const files = h("p", { class: "note" });
  const news = h("p", { class: "news", role: "status" });
  const save = button({ class: "main", onclick: () => ask("save") });
  const bring = button({ onclick: () => chooser.click() });
  const write = button({ onclick: () => ask("record") });
  const chooser = h("input", { type: "file", accept: ".json", hidden: true, onchange: chosen });

  const { root, line, ask, redraw, signal, end } = furnish(page, "map", (state) => {
    show(summary, state.summary);
    fill.style.width = `${(100 * state.done) / Math.max(1, state.every)}%`;
    offer(finished, state.finished);
    const key = JSON.stringify(state.lessons);
    if (lessons.iamlabShown !== key) {
      const open = new Set([...lessons.querySelectorAll("details[open]")].map((d) => d.dataset.id));
      lessons.iamlabShown = key;
      lessons.replaceChildren(...state.lessons.map((row) => lessonRow(row, open.has(row.id))));
    }
    show(files, state.files);
    show(save, state.save);
    show(bring, state.bring);
    show(write, state.record);
    show(news, state.problem || state.news);
    news.classList.toggle("problem", Boolean(state.problem));
  }, (message) => {
    if (message.file) download(message.file.name, message.file.text);
  });

  async function chosen() {
    const [file] = chooser.files;
    if (!file) return;
    // Five million characters are far more than any progress; a film would only stop the page.
    const text = file.size > 5e6 ? "" : await file.text().catch(() => "");
    chooser.value = "";
    ask("bring", { name: file.name, text });
  }

  root.append(
    h("div", { class: "head" },
      h("span", { class: "title" }, page.model.get("state").title), summary),
    line.banner,
    bar,
    finished,
    lessons,
    h("div", { class: "files" }, files, h("div", { class: "tools" }, save, bring, write, chooser), news),
  );
  redraw();
  whenSeen(root, signal, () => ask("look"));
  return end;
}

function lessonRow(row, open) {
  const marks = row.exercises.map((one) => h("span", { class: one.done ? "mark yes" : "mark" }));
  return h("li", {},
    h("div", { class: "name" },
      h("a", { href: row.link, onclick: (event) => openHere(event, row.link) }, row.title),
      row.here ? h("span", { class: "chip here" }, row.here) : null),
    h("div", { class: "marks", "aria-hidden": "true" }, marks),
    h("details", { "data-id": row.id, open },
      h("summary", {}, row.summary),
      h("ul", {}, row.exercises.map((one) => h("li", {},
        h("span", { class: one.done ? "chip yes" : "chip" }, one.word), h("span", {}, one.title))))),
    h("span", { class: "note" }, row.quiz));
}

/** In JupyterLab a lesson opens as another tab of the same page: its own command does that, and it
 *  takes the path from the server's folder, which stands in the address. Elsewhere it is a link. */
function openHere(event, link) {
  const place = /^(?:.*)\/lab(?:\/workspaces\/[^/]+)?\/tree\/(.*)$/.exec(location.pathname);
  if (!place) return;
  const folder = decodeURIComponent(place[1]).split("/").slice(0, -1);
  const path = [...folder, link].join("/");
  event.currentTarget.dataset.commandlinkerCommand = "docmanager:open";
  event.currentTarget.dataset.commandlinkerArgs = JSON.stringify({ path });
}

function download(name, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text])), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export default { render };
