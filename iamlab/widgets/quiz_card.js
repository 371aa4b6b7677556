// The quiz card's page: choices, and steps to move by mouse, finger or keyboard.

function render(page) {
  const chip = h("span", { class: "chip" });
  const summary = h("span", {});
  const news = h("p", { class: "news", role: "status" });
  const mark = button({ class: "main", onclick: () => ask("mark") });
  const questions = page.model.get("state").questions.map((question, i) => (
    question.kind === "order" ? orderQuestion : choiceQuestion)(i + 1, question, (...a) => ask(...a)));

  const { root, line, ask, redraw, end } = furnish(page, "quiz", (state) => {
    show(chip, state.chip);
    show(summary, state.summary);
    show(news, state.problem || state.news);
    show(mark, state.button);
    state.questions.forEach((question, i) => {
      // A late answer to an older question never undoes what the learner chose since.
      if (!line.waiting()) questions[i].set(question);
      const said = questions[i].said;
      said.dataset.right = String(question.right);
      said.hidden = !question.said;
      show(said, question.said);
    });
  });

  root.append(
    h("div", { class: "head" },
      h("span", { class: "title" }, page.model.get("state").title),
      h("p", { class: "standing" }, chip, summary)),
    line.banner,
    ...questions.map((question) => question.root),
    h("div", { class: "tools hands" }, mark, news),
  );
  redraw();
  return end;
}

function choiceQuestion(number, question, ask) {
  const name = freshId(`q${number}`);
  const said = h("p", { class: "answer" });
  const inputs = question.choices.map(([letter]) => h("input", {
    type: "radio", name, value: letter, id: freshId("choice"),
    onchange: () => ask("answer", { number, answer: letter }),
  }));
  const labels = question.choices.map(([letter, text], i) => h("label", { for: inputs[i].id },
    inputs[i], h("span", {}, `${letter}) `, ...rich(text))));
  const root = h("fieldset", { class: "question" },
    h("legend", {}, ...rich(question.ask)), h("div", { class: "choices" }, labels), said);
  function set({ given }) {
    for (const input of inputs) input.checked = input.value === given;
  }
  return { root, said, set };
}

function orderQuestion(number, question, ask) {
  const said = h("p", { class: "answer" });
  const items = new Map(question.choices.map(([letter, text]) => [letter, item(letter, text)]));
  const list = h("ol", { class: "steps" }, [...items.values()].map((one) => one.li));
  const root = h("fieldset", { class: "question" },
    h("legend", {}, ...rich(question.ask)),
    h("p", { class: "note" }, "Drag a step, or use its two buttons."), list, said);

  let held = null; // the step in the learner's hand
  let start = "";
  const letters = () => [...list.children].map((li) => li.dataset.letter).join("");
  function item(letter, text) {
    const up = button({ class: "move", "aria-label": `Move up: ${text}`, onclick: () => step(letter, -1) }, "↑");
    const down = button({ class: "move", "aria-label": `Move down: ${text}`, onclick: () => step(letter, 1) }, "↓");
    const grip = h("span", { class: "grip", "aria-hidden": "true" }, "⠿");
    const li = h("li", { "data-letter": letter }, grip, h("span", {}, ...rich(text)), up, down);
    return { li, up, down };
  }
  function ends() {
    for (const { li, up, down } of items.values()) {
      up.setAttribute("aria-disabled", String(!li.previousElementSibling));
      down.setAttribute("aria-disabled", String(!li.nextElementSibling));
    }
  }
  function step(letter, by) {
    const { li, up, down } = items.get(letter);
    const other = by < 0 ? li.previousElementSibling : li.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(li);
    else other.after(li);
    (by < 0 ? up : down).focus({ preventScroll: true }); // an element that is moved loses it
    moved(letter);
  }
  function moved(letter) {
    ends();
    ask("move", { number, answer: letters(), moved: letter });
  }
  function set({ choices }) {
    if (held) return; // an answer to an older question does not pull a step out of the hand
    const wanted = choices.map(([letter]) => letter).join("");
    if (wanted !== letters()) list.append(...[...wanted].map((letter) => items.get(letter).li));
    ends();
  }

  // The list holds the pointer: an item that moves in the page would let go of it.
  list.addEventListener("pointerdown", (event) => {
    const li = event.target.closest("li");
    const byTouch = event.pointerType !== "mouse" && !event.target.closest(".grip");
    if (!li || byTouch || event.button || event.target.closest("button")
      || root.closest(".dead")) return;
    held = li;
    start = letters();
    list.setPointerCapture(event.pointerId);
    li.classList.add("held");
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    if (!held) return;
    const after = [...list.children].filter((li) => li !== held).find((li) => {
      const box = li.getBoundingClientRect();
      return event.clientY < box.top + box.height / 2;
    });
    if (held.nextElementSibling !== (after ?? null)) list.insertBefore(held, after ?? null);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    list.addEventListener(end, () => {
      if (!held) return;
      const letter = held.dataset.letter;
      held.classList.remove("held");
      held = null;
      if (letters() !== start) moved(letter);
    });
  }
  return { root, said, set };
}

export default { render };
