// The exercise card's page.

function render(page) {
  const task = h("p", {});
  const chip = h("span", { class: "chip" });
  const text = h("p", { class: "text" });
  const count = h("span", { class: "note" });
  const before = h("p", { class: "note" });
  const problem = h("p", { class: "problem" });
  const hints = h("ol", { class: "hints", "aria-label": "Hints", "aria-live": "polite" });
  const solution = h("div", { class: "solution", role: "region", "aria-label": "A solution" });
  const check = button({ class: "main", onclick: () => ask("check") }, "Check");
  const hint = button({ onclick: () => ask("hint") });
  const compare = button({ onclick: () => ask("solution") });
  const what = h("p", {});
  const put = button({ onclick: putBack });
  const summary = h("summary", {});
  const again = h("details", { class: "again" }, summary, what, put);

  const { root, line, ask, redraw, end } = furnish(page, "exercise", (state) => {
    show(task, ...strong(state.task));
    show(chip, state.chip);
    show(text, state.text);
    show(count, state.count);
    offer(before, state.before);
    offer(problem, state.problem);
    show(hints, ...state.hints.map((one) => h("li", {}, ...rich(one))));
    hints.hidden = !state.hints.length;
    offer(compare, state.solution_button);
    offer(hint, state.hint_button, compare);
    solution.hidden = !state.solution;
    show(solution, ...(state.solution ? solutionParts(state.solution) : []));
    again.hidden = !state.again;
    show(summary, state.again?.head ?? "");
    show(what, state.again?.what ?? "");
    show(put, state.again?.button ?? "");
  });

  function putBack() {
    ask("again");
    again.open = false;
    check.focus({ preventScroll: true });
  }

  root.append(
    h("div", { class: "head" }, h("span", { class: "title" }, page.model.get("state").title)),
    line.banner,
    h("details", { class: "task" }, h("summary", {}, "The task"), task),
    h("div", { class: "outcome", role: "status", "aria-atomic": "true" },
      h("p", { class: "standing" }, chip, count), text, before, problem),
    hints,
    h("div", { class: "tools hands" }, check, hint, compare),
    solution,
    again,
  );
  redraw();
  return end;
}

function solutionParts(solution) {
  const block = (head, lines) => h("div", {},
    h("p", { class: "part" }, head),
    h("pre", {}, lines.map(([line, differs]) => h("span", { class: differs ? "differs" : "same" },
      h("span", { class: "mark" }, differs ? "≠ " : "  "), `${line}\n`))));
  const blocks = [block(solution.one_head, solution.one)];
  if (solution.mine.length) blocks.unshift(block(solution.mine_head, solution.mine));
  return [h("p", { class: "note" }, solution.note), h("div", { class: "both" }, blocks)];
}

export default { render };
