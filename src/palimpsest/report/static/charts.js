"use strict";
/* What the curves of every page share: how numbers are written, what stands around a chart, which
   charts are looked for and drawn. A page has one set of metrics, a figure.curve with
   data-metric="NAME" for each, and draws a figure when it comes into view.

     palimpsest.charts.g(number)             a generation's name
     palimpsest.charts.plain(value)          a number for readers, as the tables write it
     palimpsest.charts.faint(colour, share)  a colour that lets others through
     palimpsest.charts.layout(more)          a plotly layout that a finger can scroll over
     palimpsest.charts.curve(metric, last, tall, more)   the layout of a metric up to a generation
     palimpsest.charts.paint(chart, traces, layout)
     palimpsest.charts.furnish(figure, metric, label, csv)   puts caption, chart and buttons in
     palimpsest.charts.press(button, on)
     palimpsest.charts.begin(metrics, furnish, draw, chosen)   see there */
palimpsest.charts = (() => {
  const { element } = palimpsest;

  const g = (number) => `g${String(number).padStart(2, "0")}`;
  const faint = (colour, share) => `${colour}${Math.round(255 * share).toString(16).padStart(2, "0")}`;

  /* three significant digits, a true minus, as palimpsest.core.formatting.plain */
  function plain(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    const minus = (text) => text.replace(/-/g, "−");
    if (size !== 0 && (size >= 1e6 || size < 1e-4)) return minus(value.toExponential(2));
    if (size >= 1000) return minus(Math.round(value).toLocaleString("en").replace(/,/g, " "));
    if (Number.isInteger(value)) return minus(String(value));
    return minus(value.toPrecision(size >= 100 ? 4 : 3));
  }

  function layout(more) {
    const coarse = window.matchMedia("(pointer: coarse)").matches;
    return palimpsest.layout({ dragmode: coarse ? false : "zoom", ...more });
  }

  function curve(metric, last, tall, more) {
    const unit = metric.unit || "";
    return layout({
      height: tall ? 320 : 260, margin: { l: 12, r: 14, t: unit ? 28 : 12, b: 12 },
      annotations: unit ? [{
        text: unit, xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "left", yanchor: "bottom",
        showarrow: false,
      }] : [],
      ...more,
      xaxis: {
        title: { text: "generation", standoff: 6, font: { size: 12 } }, tickprefix: "g",
        tickformat: "02d", rangemode: "normal",
        ...(last <= 6 ? { dtick: 1 } : { nticks: 6 }), // no room for g00, g01, g01
      },
    });
  }

  function paint(chart, traces, look) {
    const settings = palimpsest.config({ displayModeBar: false });
    return window.Plotly.react(chart, traces, look, settings).then(() => palimpsest.scalable(chart));
  }

  function save(name, content) {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  /* as a spreadsheet reads it: texts quoted, and none taken for a formula */
  function cell(value) {
    if (value === null) return "";
    if (typeof value !== "string") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return `"${safe.replace(/"/g, '""')}"`;
  }

  function tools(metric, chart, csv) {
    const row = element("div", "save");
    const picture = (format) => () => window.Plotly.downloadImage(chart, {
      format, width: 1000, height: 560, filename: metric.name,
    });
    const table = () => {
      const [head, ...lines] = csv();
      save(`${metric.name}.csv`, `${[head, ...lines.map((line) => line.map(cell))].map((line) => line.join(",")).join("\n")}\n`);
    };
    for (const [text, act] of [["PNG", picture("png")], ["SVG", picture("svg")], ["CSV", table]]) {
      const button = element("button", "", text);
      button.type = "button";
      button.setAttribute("aria-label", `Save ${metric.label} as ${text}`);
      button.addEventListener("click", act);
      row.append(button);
    }
    return row;
  }

  /* A figure is what the template has, or new: the words, the chart, what saves it. `csv` gives the
     head and the rows of the table that is saved. */
  function furnish(figure, metric, label, csv) {
    const chart = element("div", "chart");
    const live = element("p", "unseen");
    live.setAttribute("aria-live", "polite");
    chart.tabIndex = 0;
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", label);
    let caption = figure.querySelector("figcaption");
    if (caption === null) {
      caption = element("figcaption");
      const term = element("span", "term", metric.label);
      term.tabIndex = 0;
      term.setAttribute("role", "button");
      term.dataset.tip = [metric.explained, metric.source].filter(Boolean).join(" ");
      caption.append(term, " ", element("code", "", metric.name));
    }
    figure.replaceChildren(caption, chart, live, tools(metric, chart, csv));
    return { chart, live };
  }

  function press(button, on) {
    button.setAttribute("aria-pressed", String(on));
  }

  /* Makes the grid and the search, and draws what comes into view or goes to the printer.
     `furnish(figure, metric)` fills a figure, `draw(figure, metric)` draws it, `chosen(metric)` says
     whether the buttons show a metric while nothing is searched for. Returns `again()`, which
     draws anew what has been drawn, and `show()`, which looks anew what is shown. */
  function begin(metrics, { furnish: fill, draw, chosen }) {
    const named = new Map(metrics.map((metric) => [metric.name, metric]));
    const drawn = new Set();
    const grid = document.getElementById("curve-grid");
    const search = document.getElementById("curve-search");
    for (const { name } of metrics) {
      const figure = element("figure", "curve");
      figure.dataset.metric = name;
      grid.append(figure);
    }
    const figures = [...document.querySelectorAll("figure.curve[data-metric]")];
    const of = (figure) => named.get(figure.dataset.metric);

    function paintOne(figure) {
      drawn.add(figure);
      draw(figure, of(figure));
    }

    function show() {
      const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const figure of grid.children) {
        const metric = of(figure);
        const line = [metric.name, metric.label, metric.explained, metric.unit, metric.source].join(" ").toLowerCase();
        figure.hidden = !(words.length ? words.every((word) => line.includes(word)) : chosen(metric));
        count += !figure.hidden;
      }
      document.getElementById("curve-count").textContent = `${count} of ${metrics.length} metrics`;
    }

    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting && !drawn.has(target)) paintOne(target);
      }
    }, { rootMargin: "300px" });

    figures.forEach((figure) => fill(figure, of(figure)));
    search.addEventListener("input", show);
    document.getElementById("curve-tools").hidden = false;
    show();
    figures.forEach((figure) => seen.observe(figure));
    window.addEventListener("beforeprint", () => {
      for (const figure of figures) if (!figure.hidden && !drawn.has(figure)) paintOne(figure);
    });
    const again = () => drawn.forEach(paintOne);
    palimpsest.repaint(again);
    return { again, show };
  }

  return { g, plain, faint, layout, curve, paint, furnish, press, begin };
})();
