"use strict";
(function () {
  // Budget: worked out here, in the order of the package. Plan: solved beforehand, or not shown.
  const book = JSON.parse(document.getElementById("data").textContent);
  const words = book.words;
  const at = book.sliders.map((slider) => slider.places.indexOf(slider.start));
  const solved = new Map(book.solved.map((one) => [key(one.at), one]));
  const byId = (name) => document.getElementById(name);

  function index(name) { return book.sliders.findIndex((slider) => slider.name === name); }
  function place(name) { const k = index(name); return k < 0 ? 0 : book.sliders[k].places[at[k]]; }
  function places() { return book.sliders.map((slider, k) => slider.places[at[k]]); }
  function moved(name) { const k = index(name); return k >= 0 && book.sliders[k].places[at[k]] !== book.sliders[k].start; }

  function key(list) {
    // Where no money of the budget goes to the plan, growth and transfers do not move it.
    return list.filter((_, k) => book.connected || !["growth", "transfers"].includes(book.sliders[k].name)).join("|");
  }

  // ---- figures ----

  function revenues(points) {
    if (!points) return book.revenue.slice();
    let level = book.before;
    return book.years.map((_, k) => {
      level = level * (1 + (book.growths[k] + points) / 100);
      let value = level;
      for (const [kind, amount] of book.steps[k]) value = kind === "shock" ? value * (1 + amount / 100) : value + amount;
      return value;
    });
  }

  function transfers(pct) {
    const own = book.budget.transfers_wan || [];
    return pct ? own.map((value) => (value === null ? null : value * (1 + pct / 100))) : own;
  }

  function budget(list) {
    const points = list[index("growth")] || 0;
    const pct = index("transfers") < 0 ? 0 : list[index("transfers")];
    const revenue = revenues(points), moved_ = transfers(pct), b = book.budget;
    const nought = (values, k) => (values && values[k] !== null ? values[k] : 0);
    return book.years.map((year, k) => {
      const before = k ? revenue[k - 1] : book.before;
      const row = { year: year, revenue_wan: revenue[k], growth_pct: (revenue[k] / before - 1) * 100 };
      if (b.transfers_wan) {
        const money = revenue[k] + nought(moved_, k) + nought(b.other_resources_wan, k);
        const needs = nought(b.sanbao_need_wan, k) + nought(b.statutory_debt_service_wan, k);
        const stated = needs + nought(b.other_commitments_wan, k);
        // Spending beyond the needs comes before clearance, as far as there is money.
        const spent = book.spent_first && b.expenditure_wan ? Math.max(b.expenditure_wan[k], stated) : stated;
        const free = money - Math.max(Math.min(spent, money), stated);
        row.transfers_wan = moved_[k];
        row.available_wan = Math.max(free, 0);
        row.shortfall_wan = Math.max(-free, 0);
      }
      if (b.expenditure_wan) {
        row.expenditure_wan = b.expenditure_wan[k];
        row.self_sufficiency_pct = (revenue[k] / b.expenditure_wan[k]) * 100;
      }
      return row;
    });
  }

  // A half goes to the even digit, as in the package's tables.
  function fixed(value, digits) {
    let text = Math.abs(value).toFixed(digits);
    const scaled = Math.abs(value) * 10 ** digits;
    if (Number.isSafeInteger(scaled * 2) && scaled % 1 === 0.5 && scaled / 10 ** digits === Math.abs(value)) {
      text = ((scaled - 0.5) % 2 ? (scaled + 0.5) / 10 ** digits : (scaled - 0.5) / 10 ** digits).toFixed(digits);
    }
    const [whole, part] = text.split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "");
    return value < 0 && /[1-9]/.test(text) ? "-" + grouped : grouped;
  }

  function shown(column, value) {
    if (value === null || value === undefined) return "—";
    if (column === "year") return String(value);
    if (column === "grade") return words["grade_" + value] || value;
    return fixed(value, 2);
  }

  // ---- whether it clears, where no plan was solved ----

  function rank(list) {
    const left = book.connected && book.budget.transfers_wan ? budget(list).map((row) => row.available_wan) : [];
    for (const name of ["land", "quota", "assets"]) if (index(name) >= 0) left.push(list[index(name)]);
    return left;
  }

  function proven(list) {
    const here = rank(list);
    let verdict = null;
    for (const one of book.solved) {
      if (["rates", "deadline"].some((name) => index(name) >= 0 && one.at[index(name)] !== list[index(name)])) continue;
      const there = rank(one.at);
      if (one.holds === null) continue;
      if (one.holds && there.every((value, k) => value <= here[k])) return true;
      if (!one.holds && there.every((value, k) => value >= here[k])) verdict = false;
    }
    return verdict;
  }

  function nearest(list) {
    let best = null, least = Infinity;
    for (const one of book.solved) {
      const off = one.at.reduce((sum, value, k) => {
        const p = book.sliders[k].places;
        return sum + Math.abs(p.indexOf(value) - p.indexOf(list[k])) / p.length;
      }, 0);
      if (off < least) { best = one; least = off; }
    }
    return best;
  }

  // ---- the page ----

  function add(parent, tag, text, name) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    parent.appendChild(made);
    return made;
  }

  function table(parent, rows) {
    parent.textContent = "";
    const columns = Object.keys(rows[0]);
    const made = add(parent, "table");
    const head = add(add(made, "thead"), "tr");
    for (const column of columns) add(head, "th", words["column_" + (column === "ratio_pct" ? "risk_ratio_pct" : column)], "num").scope = "col";
    const body = add(made, "tbody");
    for (const row of rows) {
      const line = add(body, "tr");
      for (const column of columns) add(line, "td", shown(column, row[column]), "num").dataset.column = column;
    }
  }

  function facts(parent, one) {
    const list = add(parent, "dl");
    for (const [name, value] of [
      ["cleared_on", one.cleared_on || "—"],
      ["missing", shown("shortfall_wan", one.shortfall_wan)],
      ["cost", shown("cost_wan", one.cost_wan)],
      ["quota_used", shown("quota_used_wan", one.quota_used_wan)],
    ]) {
      const pair = add(list, "div");
      add(pair, "dt", words[name]);
      add(pair, "dd", value).dataset.column = name;
    }
  }

  function show() {
    const list = places(), one = solved.get(key(list));
    table(byId("budget"), budget(list));
    const plan = byId("plan"), verdict = byId("verdict");
    plan.textContent = "";
    verdict.className = "verdict";
    if (!book.planned) {
      verdict.textContent = words.no_plan;
    } else if (one && one.holds === null) {
      verdict.textContent = words.unknown;
      verdict.classList.add("ask");
      add(plan, "p", words.run_how);
    } else if (one) {
      verdict.textContent = one.holds ? words.clears : words.fails;
      verdict.classList.add(one.holds ? "yes" : "no");
      add(plan, "p", words.solved, "fm-note");
      facts(plan, one);
      table(add(plan, "div", "", "fm-table"), one.years);
    } else {
      const known = proven(list);
      verdict.textContent = known === null ? words.run_again : known ? words.proven_clears : words.proven_fails;
      verdict.classList.add(known === null ? "ask" : known ? "yes" : "no");
      add(plan, "p", words.run_how);
      const best = nearest(list);
      if (best) {
        const go = add(plan, "button", words.nearest);
        go.type = "button";
        go.addEventListener("click", () => set(best.at));
      }
    }
    book.sliders.forEach((slider, k) => {
      byId("slider-" + slider.name).value = at[k];
      byId("slider-" + slider.name).setAttribute("aria-valuetext", slider.shown[at[k]]);
      byId("shown-" + slider.name).textContent = slider.shown[at[k]];
    });
  }

  function set(list) {
    list.forEach((value, k) => { at[k] = book.sliders[k].places.indexOf(value); });
    show();
  }

  // ---- the scenario of a setting ----

  function yaml(value) {
    if (typeof value === "string") return JSON.stringify(value);
    return "{" + Object.entries(value).map(([k, v]) => k + ": " + (typeof v === "number" ? String(v) : yaml(v))).join(", ") + "}";
  }

  function scenario() {
    const lines = ["extends: " + book.file.extends, "name: " + yaml({ zh: book.file.zh + " *", en: book.file.en + " *" })];
    if (moved("growth")) {
      const pct = {};
      book.years.forEach((year, k) => { pct[year] = book.growths[k] + place("growth"); });
      lines.push("revenue:", "  adjustments:", "    what_if_growth:", "      name: " + yaml(words.slider_growth), "      kind: growth",
        "      pct: " + yaml(pct), "      source: " + yaml(words.title));
    }
    if (moved("transfers")) {
      const amounts = {};
      transfers(place("transfers")).forEach((value, k) => { amounts[book.years[k]] = value; });
      lines.push("balance:", "  transfers_wan: " + yaml(amounts));
    }
    const keys = {};
    for (const slider of book.sliders) {
      if (!book.file.keys[slider.name] || !moved(slider.name)) continue;
      for (const [name, value] of Object.entries(book.file.keys[slider.name][at[index(slider.name)]])) {
        const last = name.replace("debt.", "");
        keys[last] = typeof value === "object" ? { ...keys[last], ...value } : value;
      }
    }
    if (Object.keys(keys).length) {
      lines.push("debt:");
      for (const [name, value] of Object.entries(keys)) lines.push("  " + name + ": " + (name === "deadline" || typeof value === "number" ? value : yaml(value)));
    }
    return lines.join("\n") + "\n";
  }

  function download() {
    const link = document.createElement("a");
    link.href = "data:text/yaml;charset=utf-8," + encodeURIComponent(scenario());
    link.download = book.file.stem + "_what_if.yaml";
    link.click();
  }

  const form = byId("sliders");
  book.sliders.forEach((slider, k) => {
    const label = add(form, "label", words["slider_" + slider.name]);
    label.htmlFor = "slider-" + slider.name;
    add(label, "span").id = "shown-" + slider.name;
    const input = add(form, "input");
    Object.assign(input, { type: "range", id: "slider-" + slider.name, min: 0, max: slider.places.length - 1, step: 1 });
    input.value = at[k];
    input.addEventListener("input", () => { at[k] = Number(input.value); show(); });
  });
  const save = add(form, "button", words.export, "main");
  save.type = "button";
  save.addEventListener("click", download);
  const back = add(form, "button", words.reset);
  back.type = "button";
  back.addEventListener("click", () => set(book.sliders.map((slider) => slider.start)));
  show();
  window.whatIf = { set: set, places: places, scenario: scenario, verdict: () => byId("verdict").textContent,
    proven: () => (solved.has(key(places())) ? null : proven(places())), ready: performance.now() };
})();
