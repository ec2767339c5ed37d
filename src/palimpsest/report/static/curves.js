"use strict";
/* The curves: a chart for each metric, drawn when it comes into view.

   Every figure.curve of the page with data-metric="NAME" becomes a chart; the grid gets one figure
   for each metric of the data block. A figure draws its value with the 95 % interval, the null
   band and the control chain, and says all of them where the pointer or the arrow keys rest. */
(() => {
  const { metrics, columns } = palimpsest.data("curve-data");
  const at = Object.fromEntries(columns.map((column, place) => [column, place]));
  const named = new Map(metrics.map((metric) => [metric.name, metric]));
  const drawn = new Set();
  let axis = "linear";

  const g = (number) => `g${String(number).padStart(2, "0")}`;
  const column = (metric, name) => metric.rows.map((row) => row[at[name]]);

  function plain(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(2).replace(/-/g, "−");
    if (Number.isInteger(value)) return String(value).replace("-", "−");
    return Number(value.toPrecision(4)).toString().replace("-", "−");
  }

  const span = (low, high) => `${plain(low)} to ${plain(high)}`;

  /* what a row says, a line each */
  function said(metric, row) {
    const unit = metric.unit ? ` ${metric.unit}` : "";
    const lines = [`${g(row[at.generation])}: ${plain(row[at.value])}${unit}`];
    if (row[at.low] !== null) lines.push(`95 % interval: ${span(row[at.low], row[at.high])}`);
    if (row[at.null_low] !== null) {
      lines.push(`human samples: ${span(row[at.null_low], row[at.null_high])}`);
    }
    if (row[at.control] !== null) {
      lines.push(`control chain: ${plain(row[at.control])}`);
      if (row[at.difference_low] !== null) {
        lines.push(`difference: ${span(row[at.difference_low], row[at.difference_high])}`);
      }
    }
    return lines;
  }

  /* two lines with the room between them filled */
  function area(metric, low, high, colour) {
    const line = { width: 0, color: colour };
    const shared = { x: column(metric, "generation"), mode: "lines", line, hoverinfo: "skip" };
    return [
      { ...shared, y: column(metric, low) },
      { ...shared, y: column(metric, high), fill: "tonexty", fillcolor: colour },
    ];
  }

  const known = (metric, name) => column(metric, name).some((value) => value !== null);
  const faint = (colour, share) => `${colour}${Math.round(255 * share).toString(16).padStart(2, "0")}`;

  function traces(metric) {
    const { marks, soft } = palimpsest.colours();
    const parts = [];
    if (known(metric, "null_low")) parts.push(...area(metric, "null_low", "null_high", faint(soft, 0.25)));
    if (known(metric, "low")) parts.push(...area(metric, "low", "high", faint(marks[0], 0.22)));
    const x = column(metric, "generation");
    if (known(metric, "control")) {
      parts.push({
        x, y: column(metric, "control"), mode: "lines", hoverinfo: "skip",
        line: { color: marks[1], width: 2, dash: "dash" },
      });
    }
    parts.push({
      x, y: column(metric, "value"), mode: "lines+markers", name: metric.label,
      line: { color: marks[0], width: 2 }, marker: { color: marks[0], size: 6 },
      text: metric.rows.map((row) => said(metric, row).join("<br>")),
      hovertemplate: "%{text}<extra></extra>",
    });
    return parts;
  }

  function layout(metric, tall) {
    const unit = metric.unit || "";
    return palimpsest.layout({
      height: tall ? 320 : 260, hovermode: "x",
      margin: { l: 12, r: 14, t: unit ? 28 : 12, b: 12 },
      xaxis: { title: { text: "generation", standoff: 6, font: { size: 12 } }, tickprefix: "g", tickformat: "02d", nticks: 6, rangemode: "normal" },
      yaxis: { type: axis, nticks: 6, exponentformat: "e" },
      annotations: unit ? [{
        text: unit, xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "left", yanchor: "bottom",
        showarrow: false,
      }] : [],
      dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
    });
  }

  /* what a reader hears of a chart */
  function described(metric) {
    if (metric.rows.length === 0) return `${metric.label}: never measured`;
    const [first, last] = [metric.rows[0], metric.rows[metric.rows.length - 1]];
    return `${metric.label} from ${said(metric, first).join(", ")}; to ${said(metric, last).join(", ")}`;
  }

  function element(kind, text, names) {
    const one = document.createElement(kind);
    if (text !== undefined) one.textContent = text;
    if (names) one.className = names;
    return one;
  }

  function save(name, kind, content) {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([content], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function csv(metric) {
    const lines = [columns, ...metric.rows.map((row) => row.map((cell) => (cell === null ? "" : cell)))];
    return lines.map((line) => line.join(",")).join("\n") + "\n";
  }

  function button(text, label, act) {
    const one = element("button", text);
    one.type = "button";
    one.setAttribute("aria-label", label);
    one.addEventListener("click", act);
    return one;
  }

  function tools(metric, chart) {
    const row = element("div", undefined, "save");
    const picture = (format) => () => window.Plotly.downloadImage(chart, {
      format, width: 1000, height: 560, filename: metric.name,
    });
    row.append(
      button("PNG", `Save ${metric.label} as PNG`, picture("png")),
      button("SVG", `Save ${metric.label} as SVG`, picture("svg")),
      button("CSV", `Save ${metric.label} as CSV`, () => save(`${metric.name}.csv`, "text/csv", csv(metric))),
    );
    return row;
  }

  /* the arrow keys go from generation to generation, + and − zoom, 0 zooms out */
  function keys(metric, chart, live) {
    let place = -1;
    const point = (next) => {
      place = Math.max(0, Math.min(metric.rows.length - 1, next));
      window.Plotly.Fx.hover(chart, [{ curveNumber: chart.data.length - 1, pointNumber: place }]);
      live.textContent = said(metric, metric.rows[place]).join(", ");
    };
    const zoom = (factor) => {
      const [low, high] = chart.layout.xaxis.range;
      const row = metric.rows[place < 0 ? metric.rows.length - 1 : place];
      const middle = factor < 1 ? row[at.generation] : (low + high) / 2;
      const half = ((high - low) / 2) * factor;
      window.Plotly.relayout(chart, { "xaxis.range": [middle - half, middle + half] });
    };
    const out = () => window.Plotly.relayout(chart, { "xaxis.autorange": true, "yaxis.autorange": true });
    const acts = {
      ArrowRight: () => point(place + 1), ArrowLeft: () => point(place < 0 ? Infinity : place - 1),
      Home: () => point(0), End: () => point(Infinity),
      "+": () => zoom(0.5), "-": () => zoom(2), 0: out, Escape: () => window.Plotly.Fx.unhover(chart),
    };
    chart.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in acts)) return;
      event.preventDefault();
      acts[event.key]();
    });
  }

  function draw(figure) {
    const metric = named.get(figure.dataset.metric);
    const chart = figure.querySelector(".chart");
    const low = Math.min(...column(metric, "value").filter((value) => value !== null));
    figure.querySelector(".beyond").hidden = !(axis === "log" && low <= 0);
    const parts = [traces(metric), layout(metric, "tall" in figure.dataset)];
    window.Plotly.react(chart, ...parts, palimpsest.config({ displayModeBar: false })).then(() => {
      palimpsest.scalable(chart);
      figure.dataset.drawn = axis;
    });
    drawn.add(figure);
  }

  /* a figure is what the template has, or new: the words, the chart, what saves it */
  function furnish(figure) {
    const metric = named.get(figure.dataset.metric);
    const chart = element("div", undefined, "chart");
    const live = element("p", undefined, "unseen");
    const beyond = element("p", "Values of 0 and below have no place on a logarithmic axis.", "beyond soft");
    live.setAttribute("aria-live", "polite");
    beyond.hidden = true;
    chart.tabIndex = 0;
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", described(metric));
    let caption = figure.querySelector("figcaption");
    if (caption === null) {
      caption = element("figcaption");
      const term = element("span", metric.label, "term");
      term.tabIndex = 0;
      term.setAttribute("role", "button");
      term.dataset.tip = [metric.explained, metric.source].filter(Boolean).join(" ");
      caption.append(term, " ", element("code", metric.name));
    }
    figure.replaceChildren(caption, chart, beyond, live, tools(metric, chart));
    keys(metric, chart, live);
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
    }
  }, { rootMargin: "300px" });

  function show() {
    const text = document.getElementById("curve-search").value.trim().toLowerCase();
    const pressed = [...document.querySelectorAll("[data-family][aria-pressed=true]")];
    const families = new Set(pressed.map((one) => one.dataset.family));
    const words = text.split(/\s+/).filter(Boolean);
    let count = 0;
    for (const figure of document.querySelectorAll("#curve-grid > figure")) {
      const metric = named.get(figure.dataset.metric);
      const line = `${metric.name} ${metric.label} ${metric.explained} ${metric.unit} ${metric.source}`.toLowerCase();
      const shown = words.length
        ? words.every((word) => line.includes(word))
        : families.has("all") || families.has(metric.family) || (families.has("chief") && metric.chief);
      figure.hidden = !shown;
      count += shown;
    }
    document.getElementById("curve-count").textContent = `${count} of ${metrics.length} metrics`;
  }

  function press(one, on) {
    one.setAttribute("aria-pressed", String(on));
  }

  function listen() {
    const families = [...document.querySelectorAll("#curve-tools [data-family]")];
    const axes = [...document.querySelectorAll("#curve-tools [data-axis]")];
    document.getElementById("curve-search").addEventListener("input", show);
    for (const one of families) {
      one.addEventListener("click", () => {
        press(one, one.getAttribute("aria-pressed") !== "true");
        show();
      });
    }
    for (const one of axes) {
      one.addEventListener("click", () => {
        axis = one.dataset.axis;
        for (const other of axes) press(other, other === one);
        drawn.forEach(draw);
      });
    }
    document.getElementById("curve-tools").hidden = false;
  }

  const grid = document.getElementById("curve-grid");
  for (const metric of metrics) {
    const figure = element("figure", undefined, "curve");
    figure.dataset.metric = metric.name;
    grid.append(figure);
  }
  const figures = [...document.querySelectorAll("figure.curve[data-metric]")];
  figures.forEach(furnish);
  listen();
  show();
  figures.forEach((figure) => seen.observe(figure));
  window.addEventListener("beforeprint", () => {
    for (const figure of figures) if (!figure.hidden && !drawn.has(figure)) draw(figure);
  });
  palimpsest.repaint(() => drawn.forEach(draw));
})();
