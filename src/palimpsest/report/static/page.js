"use strict";
/* What every section of the page shares: its data, its colours in light and dark, how charts look.

   A section is a script of its own that runs after this one and uses `palimpsest`:
     palimpsest.data(id)       what the data block with this id says; null without one
     palimpsest.colours()      the page's colours now: paper, card, ink, soft, line, accent, warm, marks
     palimpsest.layout(more)   a plotly layout in these colours, `more` merged into it
     palimpsest.config(more)   plotly's settings: no link to anywhere, no logo
     palimpsest.repaint(draw)  calls draw() now, and again when the colours change
     palimpsest.scalable(div)  lets the drawing in a plotly chart shrink with the paper in print
     palimpsest.still          whether the reader asked for less motion
     palimpsest.theme()        "light" or "dark"
     palimpsest.element(tag, className, text)   a new element
   Texts of a chain are written with textContent and nothing else. */
window.palimpsest = (() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const painters = [];
  /* Okabe and Ito's colours, which colour-blind readers can tell apart */
  const MARKS = {
    light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#3a8fc0", "#5c636b", "#b0413e"],
    dark: ["#56b4e9", "#ff9e5e", "#2fc79a", "#e3a3c6", "#f0e442", "#9bd3f5", "#b8bec6", "#ff8f8b"],
  };

  function data(id) {
    const block = document.getElementById(id);
    return block === null ? null : JSON.parse(block.textContent);
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function theme() {
    return root.dataset.theme || (dark.matches ? "dark" : "light");
  }

  function colours() {
    const style = getComputedStyle(root);
    const read = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = ["paper", "card", "ink", "soft", "line", "accent"];
    return {
      ...Object.fromEntries(names.map((name) => [name, read(name)])),
      warm: read("left"),
      marks: MARKS[theme()],
    };
  }

  function axis(more) {
    const { ink, line, soft } = colours();
    return {
      gridcolor: line, linecolor: soft, zerolinecolor: line, tickfont: { color: ink },
      automargin: true, ...more,
    };
  }

  function layout(more = {}) {
    const { card, ink, line } = colours();
    const font = getComputedStyle(document.body).fontFamily;
    return {
      paper_bgcolor: card, plot_bgcolor: card, font: { color: ink, family: font, size: 13 },
      margin: { l: 12, r: 12, t: 12, b: 12 }, showlegend: false, dragmode: "zoom",
      hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink, family: font } },
      ...more, xaxis: axis(more.xaxis), yaxis: axis(more.yaxis),
    };
  }

  function config(more = {}) {
    return { displaylogo: false, responsive: true, showTips: false, ...more };
  }

  function repaint(draw) {
    painters.push(draw);
    draw();
  }

  function paintAll() {
    for (const draw of painters) draw();
  }

  /* its drawing gets a viewBox, so that the style sheet of print can scale it */
  function scalable(chart) {
    const box = chart.querySelector(".svg-container");
    if (box === null) return;
    box.style.setProperty("--shape", `${box.clientWidth} / ${box.clientHeight}`);
    for (const drawing of chart.querySelectorAll(".main-svg")) {
      drawing.setAttribute("viewBox", `0 0 ${box.clientWidth} ${box.clientHeight}`);
    }
  }

  /* on paper the page is light */
  function printer() {
    let before;
    window.addEventListener("beforeprint", () => {
      before = root.dataset.theme;
      root.dataset.theme = "light";
      paintAll();
    });
    window.addEventListener("afterprint", () => {
      if (before === undefined) delete root.dataset.theme;
      else root.dataset.theme = before;
      paintAll();
    });
  }

  /* one box explains the term that the pointer, the keyboard or a finger rests on */
  function tips() {
    const box = element("div");
    box.id = "tip";
    box.setAttribute("role", "tooltip");
    box.hidden = true;
    document.body.append(box);
    let shown = null;

    const hide = () => {
      box.hidden = true;
      if (shown !== null) shown.removeAttribute("aria-describedby");
      shown = null;
    };

    const put = () => {
      if (shown === null) return;
      const [place, size] = [shown.getBoundingClientRect(), box.getBoundingClientRect()];
      const below = place.bottom + size.height + 8 < window.innerHeight;
      const left = Math.min(place.left, document.documentElement.clientWidth - size.width - 8);
      box.style.left = `${Math.max(8, left)}px`;
      box.style.top = `${Math.max(8, below ? place.bottom + 6 : place.top - size.height - 6)}px`;
    };

    const show = (term) => {
      hide();
      shown = term;
      box.textContent = term.dataset.tip;
      box.hidden = false;
      term.setAttribute("aria-describedby", "tip");
      put();
    };

    const term = (event) => (event.target instanceof Element ? event.target.closest(".term") : null);
    for (const kind of ["pointerover", "focusin", "click"]) {
      document.addEventListener(kind, (event) => {
        if (term(event) !== null) show(term(event));
        else if (kind === "click" || shown !== document.activeElement) hide();
      });
    }
    document.addEventListener("focusout", hide);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
    });
    // the keyboard brings a term into sight: its explanation goes along
    window.addEventListener("scroll", put, { passive: true, capture: true });
  }

  function switcher() {
    const button = document.getElementById("theme");
    if (button === null) return;
    const say = () => {
      button.textContent = theme() === "dark" ? "Light" : "Dark";
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = theme() === "dark" ? "light" : "dark";
      say();
      paintAll();
    });
    dark.addEventListener("change", () => {
      say();
      paintAll();
    });
    say();
  }

  switcher();
  printer();
  tips();
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  return { data, colours, layout, config, repaint, scalable, still, theme, element };
})();
