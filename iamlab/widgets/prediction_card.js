// The prediction card's page.

function render(page) {
  const name = freshId("guess");
  const legend = h("legend", {});
  const choices = h("div", { class: "choices" });
  const text = h("p", { class: "text" });
  const news = h("p", { class: "problem" });
  const write = button({ class: "main", onclick: () => ask("guess", chosen()) });
  const reveal = button({ class: "main", onclick: () => ask("reveal") });
  const chosen = () => choices.querySelector("input:checked")?.value ?? "";

  const { root, line, ask, redraw, end } = furnish(page, "prediction", (state) => {
    show(legend, ...rich(state.ask));
    if (!choices.childElementCount) choices.append(...state.choices.map(choice));
    for (const input of choices.querySelectorAll("input")) {
      if (state.guess) input.checked = input.value === state.guess;
      input.toggleAttribute("data-off", Boolean(state.guess));
    }
    show(text, state.text);
    offer(news, state.problem || state.news);
    offer(reveal, state.reveal);
    offer(write, state.button, reveal.hidden ? null : reveal);
  });

  function choice(word) {
    const input = h("input", { type: "radio", name, value: word, id: freshId("choice") });
    return h("label", { for: input.id }, input, h("span", {}, word));
  }

  root.append(
    h("div", { class: "head" }, h("span", { class: "title" }, page.model.get("state").title)),
    line.banner,
    h("fieldset", { class: "question" }, legend, choices),
    h("div", { class: "outcome", role: "status" }, text, news),
    h("div", { class: "tools hands" }, write, reveal),
  );
  redraw();
  return end;
}

export default { render };
