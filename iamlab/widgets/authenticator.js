// The authenticator's page: a phone with codes, and beside it what a real phone needs. The codes are
// Python's; between two answers the page only lets the ring run down at the speed of the lab's clock.

const LOOK = 1000; // milliseconds between two questions to Python
const DRAW = 200; // between two drawings
const SOON = 5; // seconds left when the ring changes its colour

const grouped = (code) => (code ? `${code.slice(0, 3)} ${code.slice(3)}` : "––– –––");
/** Digits one by one, as a screen reader should say them; they stay in one line. */
const spelled = (code) => [...code].join("\u00a0");

function render({ model, el }) {
  const stop = new AbortController();
  const state = () => model.get("state");
  const rows = new Map(); // key of a device -> what is drawn of it
  let heardAt = performance.now();
  let live = true;
  let adding = null; // the field that was sent and not yet answered

  const now = h("span", { class: "now" });
  const list = h("ul", { class: "codes", "aria-label": "Devices on this phone" });
  const empty = h("p", { class: "empty" },
    "No device is on the phone yet. Add one: choose it beside the phone, or paste its secret.");
  const news = h("p", { class: "news", role: "status" });
  const problem = h("p", { class: "problem", role: "alert" });
  const clocks = h("p", {});
  const restart = h("button", { type: "button", onclick: () => ask("clock") },
    "Set the lab's clock to the real time");
  const real = makeReal();
  const add = makeAdd();
  const line = connect(model, stop.signal, setLive, () => {
    if (adding && !state().problem) adding.value = "";
    adding = null;
  });

  const root = h(
    "div",
    { class: "iamlab authenticator", role: "group", "aria-label": "Authenticator" },
    h("div", { class: "head" }, h("span", { class: "title" }, "Authenticator"),
      h("span", { class: "note" }, "a phone that runs on the lab's clock")),
    line.banner,
    h("div", { class: "desk" },
      h("div", { class: "phone" },
        h("div", { class: "top" }, h("span", { class: "note" }, "Lab time (UTC)"), now),
        list, empty),
      h("div", { class: "beside" }, news, real.root,
        h("section", {}, h("span", { class: "part" }, "The two clocks"), clocks, restart),
        add.root)),
  );

  function ask(what, value) {
    line.ask({ do: what, value });
  }

  function setLive(answered) {
    live = answered && !state().stopped;
    root.classList.toggle("dead", !live);
    for (const button of root.querySelectorAll("button, select, input")) button.disabled = !live;
    add.ready();
  }

  /** The QR code and the secret of one device, for a real phone. */
  function makeReal() {
    const id = freshId("device");
    const select = h("select", { id, onchange: tell });
    const label = h("div", { class: "pick" }, h("label", { for: id }, "Device"), select);
    const picture = h("img", { class: "qr" });
    const seed = h("code", { class: "seed" });
    const copy = h("button", {
      type: "button",
      onclick: async () => say((await copyText(seed.textContent.replaceAll(" ", "")))
        ? "The secret is copied." : "Copying is not allowed here."),
    }, "Copy the secret");
    const root = h("section", {},
      h("span", { class: "part" }, "On a real phone"), label,
      h("div", { class: "scan" }, picture, h("div", {},
        h("p", {}, "Scan this with any authenticator app. AWS shows it only once, when the "
          + "device is made."),
        h("details", {}, h("summary", {}, "Show the secret"),
          h("p", { class: "note" }, "Who has it can make the codes."), seed, copy))));
    function draw(devices, cards) {
      root.hidden = !devices.length;
      if (!devices.length) return;
      const options = devices.map((d) => h("option", { value: d.key }, `${d.name}, ${d.owner}`));
      const chosen = devices.some((d) => d.key === select.value) ? select.value : devices[0].key;
      if (document.activeElement !== select) show(select, ...options);
      select.value = chosen;
      label.hidden = devices.length === 1;
      const card = cards[chosen];
      if (!card || picture.alt === card.alt && seed.textContent === card.seed) return;
      picture.src = card.qr;
      picture.alt = card.alt;
      seed.textContent = card.seed;
    }
    return { root, draw };
  }

  /** Two ways to put a device on the phone: one of the account's, or a secret. */
  function makeAdd() {
    const select = h("select", {});
    const take = h("button", { type: "button", onclick: () => ask("add", select.value) }, "Add");
    const pick = h("div", { class: "put" },
      h("label", {}, "A virtual device of the account ", select), take);
    const id = freshId("secret");
    const field = h("input", {
      type: "text",
      id,
      autocomplete: "off",
      spellcheck: "false",
      oninput: ready,
      onkeydown: (event) => event.key === "Enter" && field.value.trim() && send(),
    });
    const put = h("button", { type: "button", onclick: send }, "Add");
    problem.id = freshId("problem");
    field.setAttribute("aria-describedby", problem.id);
    function send() {
      adding = field;
      ask("add", field.value);
    }
    function ready() {
      put.disabled = !live || !field.value.trim();
    }
    const root = h("section", {},
      h("span", { class: "part" }, "Add a device"), pick,
      h("div", { class: "put" },
        h("label", { for: id }, "A secret, an otpauth:// address or a serial number ", field), put),
      problem,
      h("p", { class: "note" }, "Only of the lab: a notebook can keep what is typed into it. Never "
        + "type the secret of a real account."));
    function draw(others, wrong) {
      pick.hidden = !others.length;
      if (document.activeElement !== select) {
        show(select, ...others.map((serial) => h("option", {}, serial)));
      }
      show(problem, wrong);
      field.setAttribute("aria-invalid", String(Boolean(wrong)));
      ready();
    }
    return { root, draw, ready };
  }

  function say(text) {
    show(news, text);
  }

  /** One device: its parts stay, only their text changes, so the focus stays where it is. */
  function makeRow(key) {
    const name = h("b", {});
    const owner = h("span", { class: "note" });
    const code = h("span", { class: "code" });
    const used = h("span", { class: "chip" }, "used");
    const seconds = h("span", { class: "seconds", "aria-hidden": "true" });
    const ring = h("div", {
      class: "ring",
      role: "progressbar",
      "aria-label": "Time until the next code",
      "aria-valuemin": "0",
    }, h("span", { class: "arc" }), seconds);
    const next = h("p", { class: "next" });
    const note = h("p", { class: "note" });
    let shown = "";
    const copy = h("button", {
      type: "button",
      onclick: async () => say((await copyText(shown))
        ? `The code of ${name.textContent} is copied: ${spelled(shown)}.`
        : "Copying is not allowed here."),
    }, "Copy");
    const ahead = h("button", { type: "button", "aria-expanded": "false",
      onclick: () => ask("next", key) }, "Next code");
    const wait = h("button", { type: "button", class: "main", onclick: () => ask("wait", key) },
      "Wait for the next code");
    const off = h("button", { type: "button", class: "link", onclick: () => ask("remove", key) },
      "Remove");
    const item = h("li", {},
      h("div", { class: "who" }, name, owner, off),
      h("div", { class: "digits" }, code, used, ring),
      next, note,
      h("div", { class: "tools" }, copy, ahead, wait));

    function tell(row) {
      name.textContent = row.name;
      name.title = row.serial;
      owner.textContent = row.owner;
      shown = row.code;
      if (code.dataset.code !== row.code) {
        code.dataset.code = row.code;
        code.replaceChildren(h("span", { "aria-hidden": "true" }, grouped(row.code)),
          h("span", { class: "iamlab-unseen" }, spelled(row.code)));
      }
      item.classList.toggle("used", row.used);
      used.hidden = !row.used;
      next.hidden = !row.next;
      show(next, ...(row.next ? ["Next: ",
        h("span", { class: row.nextUsed ? "code used" : "code", "aria-hidden": "true" },
          grouped(row.next)),
        h("span", { class: "iamlab-unseen" }, spelled(row.next)),
        h("span", {}, row.nextUsed ? " used" : "")] : []));
      show(note, row.note);
      note.hidden = !row.note;
      ahead.setAttribute("aria-expanded", String(row.ahead));
      ahead.textContent = row.ahead ? "Hide the next code" : "Next code";
      for (const [button, what] of [[copy, "Copy the code"], [off, "Remove"]]) {
        button.setAttribute("aria-label", `${what} of ${row.name}`);
      }
      if (!row.code) copy.disabled = true;
    }
    function run(left, step) {
      const whole = Math.ceil(left);
      ring.style.setProperty("--left", `${(left / step) * 100}%`);
      seconds.textContent = String(whole);
      ring.setAttribute("aria-valuemax", String(step));
      ring.setAttribute("aria-valuenow", String(whole));
      ring.setAttribute("aria-valuetext", `${whole} seconds`);
      ring.classList.toggle("soon", left <= SOON);
    }
    return { item, tell, run };
  }

  /** Draw the time as it should be now: Python's last word, moved on by at most two seconds. */
  function draw() {
    const s = state();
    const passed = live ? (Math.min(performance.now() - heardAt, 2000) / 1000) * s.speed : 0;
    now.textContent = new Date(Date.parse(s.now) + passed * 1000).toISOString().slice(11, 19);
    const left = Math.max(0, s.left - passed);
    for (const row of rows.values()) row.run(left, s.step);
    if (live && left <= 0 && !line.waiting()) ask("look");
  }

  function tell() {
    const s = state();
    heardAt = performance.now();
    for (const [key, row] of rows) {
      if (s.devices.some((d) => d.key === key)) continue;
      row.item.remove();
      rows.delete(key);
    }
    for (const device of s.devices) {
      if (!rows.has(device.key)) {
        rows.set(device.key, makeRow(device.key));
        list.append(rows.get(device.key).item);
      }
      rows.get(device.key).tell(device);
    }
    list.hidden = !s.devices.length;
    empty.hidden = Boolean(s.devices.length);
    real.draw(s.devices, model.get("cards"));
    add.draw(s.others, s.problem);
    show(clocks, s.clocks);
    restart.hidden = !s.differ;
    if (s.stopped || s.news !== told) say(s.stopped || s.news);
    told = s.news;
    setLive(!line.gone());
    draw();
  }

  let told = "";
  model.on("change:state", tell);
  model.on("change:cards", tell);
  tell();
  el.append(root);
  keepKeys(root, stop.signal);
  ask("look");
  const looking = setInterval(() => {
    if (live && !document.hidden && root.isConnected && !line.waiting()) ask("look");
  }, LOOK);
  const drawing = setInterval(() => {
    if (!document.hidden && root.isConnected) draw();
  }, DRAW);
  return () => {
    clearInterval(looking);
    clearInterval(drawing);
    stop.abort();
  };
}

export default { render };
