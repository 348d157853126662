"use strict";
(function () {
  // Texts may come from data: everything is set as text, nothing as HTML.
  const book = JSON.parse(document.getElementById("fm-explain").textContent);
  const panel = document.createElement("aside");
  panel.id = "fm-why";
  panel.hidden = true;
  panel.setAttribute("aria-label", book.words.title);
  panel.setAttribute("aria-live", "polite");
  document.body.appendChild(panel);
  let way = [];
  let opener = null;
  const number = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 4 });

  function add(parent, tag, text, name) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (name) made.className = name;
    parent.appendChild(made);
    return made;
  }

  function amount(node) {
    if (node.unit === "分") return number.format(node.value / 100) + " 元";
    return number.format(node.value) + (node.unit ? " " + node.unit : "");
  }

  function press(parent, text, act) {
    const made = add(parent, "button", text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  }

  function close() {
    panel.hidden = true;
    way = [];
    if (opener) opener.focus();
  }

  function show(name) {
    const node = book.nodes[name];
    panel.textContent = "";
    const bar = add(panel, "p", "", "bar");
    if (way.length > 1) press(bar, book.words.back, () => { way.pop(); show(way[way.length - 1]); });
    press(bar, book.words.close, close).focus();
    add(panel, "h2", node.name[book.lang]);
    add(panel, "p", amount(node), "value");
    add(panel, "p", node.formula ? book.formulas[node.formula] : book.hows[node.how], "said");
    if (node.where) add(panel, "p", node.where, "where");
    if (node.note) add(panel, "p", node.note[book.lang], "where");
    const list = add(panel, "ul");
    for (const given of Object.values(node.inputs || {}).flat()) {
      const inner = book.nodes[given];
      const line = add(list, "li");
      add(line, "span", amount(inner), "num");
      press(line, inner.name[book.lang], () => { way.push(given); show(given); });
      add(line, "div", inner.where || (inner.formula ? book.formulas[inner.formula] : book.hows[inner.how]), "where");
    }
    for (const [place, value] of (node.cells || []).slice(0, 200)) {
      const line = add(list, "li");
      add(line, "span", amount({ value: value, unit: node.unit }), "num");
      add(line, "span", place, "where");
    }
    panel.hidden = false;
    panel.scrollTop = 0;
  }

  function open(target) {
    opener = target;
    way = [target.dataset.fm];
    show(way[0]);
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest(".fm-fig");
    if (target) open(target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) close();
    const target = event.target.closest && event.target.closest(".fm-fig");
    if (target && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      open(target);
    }
  });
})();
