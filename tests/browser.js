// What is wrong with how a page reads; each gives a list, empty where all is well.
window.check = {
  // Texts that are cut off, or wider than the window.
  cut() {
    const bad = [];
    if (document.documentElement.scrollWidth > window.innerWidth + 1) {
      bad.push("page is wider than the window");
    }
    const all = "h1,h2,h3,p,td,th,li,label,button,dd,dt,caption,span";
    for (const el of document.querySelectorAll(all)) {
      const style = getComputedStyle(el);
      if (style.display === "none" || !el.offsetParent || !el.textContent.trim()) continue;
      const cuts = ["hidden", "clip"].includes(style.overflowX) || style.textOverflow === "ellipsis";
      if (cuts && el.scrollWidth > el.clientWidth + 1) bad.push(el.textContent.slice(0, 60));
    }
    return bad;
  },

  // Texts whose contrast to their ground is below the rule of WCAG AA.
  pale() {
    const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) =>
      0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const ground = (el) => {
      for (let at = el; at; at = at.parentElement) {
        const c = parse(getComputedStyle(at).backgroundColor);
        if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
      }
      return [255, 255, 255];
    };
    const bad = new Set();
    for (const el of document.querySelectorAll("body *")) {
      const own = [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
      if (!el.offsetParent || !own) continue;
      const style = getComputedStyle(el);
      const a = light(parse(style.color));
      const b = light(ground(el));
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) {
        const text = el.textContent.trim().slice(0, 40);
        bad.add(`${ratio.toFixed(2)} ${style.color} ${el.tagName}.${el.className}: ${text}`);
      }
    }
    return [...bad];
  },

  // Pictures without an alternative text, controls without a name, a page without a language.
  nameless() {
    const bad = [];
    for (const img of document.querySelectorAll("img")) {
      if (!(img.alt || "").trim()) bad.push("img " + img.src.slice(0, 40));
    }
    for (const el of document.querySelectorAll("input,button,select")) {
      const named = (el.labels && el.labels.length) || el.getAttribute("aria-label");
      if (!named && !el.textContent.trim()) bad.push(el.outerHTML.slice(0, 80));
    }
    if (!document.documentElement.lang) bad.push("no language");
    if (!document.title) bad.push("no title");
    return bad;
  },
};
