"use strict";
/* Curves of several variants: a chart for each metric, drawn when it comes into view, and at the
   top how far each variant lies from the control at the generation of the tables.

   A figure.curve with data-metric="NAME" becomes a chart; the grid gets one for each metric. Where
   an interval of few chains reaches far, an axis is cut a quarter beyond the chains' own values. */
(() => {
  const { variants, columns, metrics, generation } = palimpsest.data("comparison-data");
  const at = Object.fromEntries(columns.map((column, place) => [column, place]));
  const named = new Map(metrics.map((metric) => [metric.name, metric]));
  const drawn = new Set();
  const hidden = new Set();
  const state = { mode: "mean", axis: "linear", which: "chief" };
  const ENDS = { mean: ["low", "high"], difference: ["difference_low", "difference_high"] };
  const SYMBOLS = ["circle", "square", "diamond", "cross", "triangle-up"];
  const DASHES = ["solid", "dash", "dot", "dashdot"];

  const g = (number) => `g${String(number).padStart(2, "0")}`;
  const cells = (rows, name) => rows.map((row) => row[at[name]]);
  const faint = (colour, share) => `${colour}${Math.round(255 * share).toString(16).padStart(2, "0")}`;
  const compared = (metric) => variants.map((_, place) => place).filter((place) => metric.rows[place].length);

  function colour(place) {
    const { marks } = palimpsest.colours();
    return marks[place % marks.length];
  }

  function plain(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(2).replace(/-/g, "−");
    return Number(value.toPrecision(3)).toString().replace("-", "−");
  }

  /* what a row says of a variant */
  function said(place, row, mode) {
    const [low, high] = ENDS[mode].map((end) => row[at[end]]);
    const many = row[at[mode === "mean" ? "chains" : "pairs"]];
    const count = mode === "mean" ? `${many} ${many === 1 ? "chain" : "chains"}` : `${many} ${many === 1 ? "pair" : "pairs"}`;
    const interval = low === null ? "no interval" : `${plain(low)} to ${plain(high)}`;
    const flag = mode === "difference" && row[at.significant] ? " ✱" : "";
    return `${variants[place].letter} ${plain(row[at[mode]])}${flag} (${interval}; ${count})`;
  }

  function area(rows, mode, place) {
    const known = rows.filter((row) => row[at[ENDS[mode][0]]] !== null);
    const fill = faint(colour(place), 0.16);
    const shared = {
      x: cells(known, "generation"), mode: "lines", line: { width: 0, color: fill }, hoverinfo: "skip",
    };
    return [
      { ...shared, y: cells(known, ENDS[mode][0]) },
      { ...shared, y: cells(known, ENDS[mode][1]), fill: "tonexty", fillcolor: fill },
    ];
  }

  function single({ values }, place) {
    return {
      x: values.map(([x]) => x), y: values.map(([, y]) => y), mode: "lines", hoverinfo: "skip",
      line: { color: faint(colour(place), 0.45), width: 1 },
    };
  }

  function mean(rows, mode, place, cycle) {
    return {
      x: cells(rows, "generation"), y: cells(rows, mode), mode: "lines+markers",
      line: { color: colour(place), width: 2.5, dash: DASHES[cycle % DASHES.length] },
      marker: { color: colour(place), size: 7, symbol: SYMBOLS[place % SYMBOLS.length] },
      text: rows.map((row) => said(place, row, mode)), hovertemplate: "%{text}<extra></extra>",
    };
  }

  function traces(metric, mode) {
    const shown = compared(metric).filter((place) => !hidden.has(place));
    const parts = { areas: [], singles: [], means: [] };
    const count = palimpsest.colours().marks.length;
    for (const place of shown) {
      if (mode === "difference" && variants[place].control) continue;
      parts.areas.push(...area(metric.rows[place], mode, place));
      if (mode === "mean" && metric.runs[place].length > 1) {
        parts.singles.push(...metric.runs[place].map((run) => single(run, place)));
      }
      parts.means.push(mean(metric.rows[place], mode, place, Math.floor(place / count)));
    }
    return [...parts.areas, ...parts.singles, ...parts.means];
  }

  /* the chains' own values, or the differences, and a quarter more */
  function range(metric, mode) {
    const shown = compared(metric).filter((place) => !hidden.has(place));
    const values = shown.flatMap((place) => (mode === "mean"
      ? metric.runs[place].flatMap((run) => run.values.map(([, value]) => value))
      : [0, ...cells(metric.rows[place], "difference")])).filter((value) => value !== null);
    if (values.length === 0) return undefined;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = (high - low) / 4 || Math.abs(high) / 10 || 1;
    return [low - room, high + room];
  }

  function layout(metric, mode, tall) {
    const log = state.axis === "log" && mode === "mean";
    const unit = metric.unit || "";
    const { soft } = palimpsest.colours();
    return palimpsest.layout({
      height: tall ? 320 : 260, hovermode: "x unified",
      margin: { l: 12, r: 14, t: unit ? 28 : 12, b: 12 },
      xaxis: { title: { text: "generation" }, tickprefix: "g", tickformat: "02d", nticks: 6 },
      yaxis: log ? { type: "log", nticks: 6, exponentformat: "e" } : { nticks: 6, exponentformat: "e", range: range(metric, mode) },
      shapes: mode === "difference" ? [{
        type: "line", xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0, line: { color: soft, width: 1.5, dash: "dash" },
      }] : [],
      annotations: unit ? [{
        text: unit, xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "left", yanchor: "bottom", showarrow: false,
      }] : [],
      dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
    });
  }

  function paint(chart, parts, look) {
    const settings = palimpsest.config({ displayModeBar: false });
    return window.Plotly.react(chart, parts, look, settings).then(() => palimpsest.scalable(chart));
  }

  function draw(figure) {
    const metric = named.get(figure.dataset.metric);
    const mode = "tall" in figure.dataset ? "mean" : state.mode;
    const chart = figure.querySelector(".chart");
    paint(chart, traces(metric, mode), layout(metric, mode, "tall" in figure.dataset)).then(() => {
      figure.dataset.drawn = `${mode} ${state.axis}`;
    });
    drawn.add(figure);
  }

  /* the differences at the generation of the tables, one below the other */
  function forest(figure) {
    const metric = named.get(figure.dataset.metric);
    const chart = figure.querySelector(".chart");
    const lines = compared(metric).filter((place) => !variants[place].control)
      .map((place) => [place, metric.rows[place].find((row) => row[at.generation] === generation)])
      .filter(([, row]) => row !== undefined && row[at.difference] !== null);
    const parts = lines.map(([place, row]) => {
      const [value, low, high] = ["difference", "difference_low", "difference_high"].map((name) => row[at[name]]);
      return {
        x: [value], y: [variants[place].letter], mode: "markers",
        marker: { color: colour(place), size: 13, symbol: SYMBOLS[place % SYMBOLS.length] },
        error_x: low === null ? { visible: false } : {
          type: "data", symmetric: false, array: [high - value], arrayminus: [value - low], color: colour(place), thickness: 2.5, width: 8,
        },
        text: [said(place, row, "difference")], hovertemplate: "%{text}<extra></extra>",
      };
    });
    const { soft } = palimpsest.colours();
    const look = palimpsest.layout({
      height: 320, hovermode: "closest", margin: { l: 12, r: 24, t: 12, b: 12 },
      xaxis: { title: { text: "difference to the control" }, nticks: 6, zeroline: false },
      yaxis: { type: "category", autorange: "reversed" },
      shapes: [{ type: "line", yref: "paper", x0: 0, x1: 0, y0: 0, y1: 1, line: { color: soft, width: 1.5, dash: "dash" } }],
      dragmode: false,
    });
    chart.setAttribute("aria-label", lines.map(([place, row]) => said(place, row, "difference")).join(", "));
    paint(chart, parts, look).then(() => { figure.dataset.drawn = "forest"; });
  }

  function element(kind, text, names) {
    const one = document.createElement(kind);
    if (text !== undefined) one.textContent = text;
    if (names) one.className = names;
    return one;
  }

  /* as a spreadsheet reads it: quoted, and no text taken for a formula */
  const cell = (value) => {
    if (value === null) return "";
    if (typeof value !== "string") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return `"${safe.replace(/"/g, '""')}"`;
  };

  function csv(metric) {
    const lines = variants.flatMap(({ label }, place) => metric.rows[place].map((row) => [label, ...row]));
    return [["variant", ...columns], ...lines].map((line) => line.map(cell).join(",")).join("\n") + "\n";
  }

  function save(name, content) {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function tools(metric, chart) {
    const row = element("div", undefined, "save");
    const acts = {
      PNG: () => window.Plotly.downloadImage(chart, { format: "png", width: 1000, height: 560, filename: metric.name }),
      SVG: () => window.Plotly.downloadImage(chart, { format: "svg", width: 1000, height: 560, filename: metric.name }),
      CSV: () => save(`${metric.name}.csv`, csv(metric)),
    };
    for (const [text, act] of Object.entries(acts)) {
      const button = element("button", text);
      button.type = "button";
      button.setAttribute("aria-label", `Save ${metric.label} as ${text}`);
      button.addEventListener("click", act);
      row.append(button);
    }
    return row;
  }

  /* the arrow keys go from generation to generation */
  function keys(metric, chart, live) {
    const every = [...new Set(metric.rows.flatMap((rows) => cells(rows, "generation")))].sort((a, b) => a - b);
    let place = -1;
    const go = { ArrowRight: () => place + 1, ArrowLeft: () => (place < 0 ? Infinity : place - 1), Home: () => 0, End: () => Infinity };
    chart.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in go)) return;
      event.preventDefault();
      place = Math.max(0, Math.min(every.length - 1, go[event.key]()));
      const points = chart.data.flatMap((trace, curveNumber) => {
        const pointNumber = trace.mode === "lines+markers" ? trace.x.indexOf(every[place]) : -1;
        return pointNumber < 0 ? [] : [{ curveNumber, pointNumber }];
      });
      window.Plotly.Fx.hover(chart, points);
      live.textContent = [g(every[place]), ...points.map((one) => chart.data[one.curveNumber].text[one.pointNumber])].join(", ");
    });
  }

  function furnish(figure) {
    const metric = named.get(figure.dataset.metric);
    const chart = element("div", undefined, "chart");
    const live = element("p", undefined, "unseen");
    live.setAttribute("aria-live", "polite");
    chart.tabIndex = 0;
    chart.setAttribute("role", "img");
    const ends = compared(metric).map((place) => said(place, metric.rows[place][metric.rows[place].length - 1], "mean"));
    chart.setAttribute("aria-label", `${metric.label} by generation; at the last: ${ends.join(", ")}`);
    let caption = figure.querySelector("figcaption");
    if (caption === null) {
      caption = element("figcaption");
      const term = element("span", metric.label, "term");
      term.tabIndex = 0;
      term.setAttribute("role", "button");
      term.dataset.tip = [metric.explained, metric.source].filter(Boolean).join(" ");
      caption.append(term, " ", element("code", metric.name));
    }
    figure.replaceChildren(caption, chart, live, tools(metric, chart));
    if (figure.matches(".curve")) keys(metric, chart, live);
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
    }
  }, { rootMargin: "300px" });

  function show() {
    const words = document.getElementById("curve-search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const figure of document.querySelectorAll("#curve-grid > figure")) {
      const metric = named.get(figure.dataset.metric);
      const line = `${metric.name} ${metric.label} ${metric.explained} ${metric.unit}`.toLowerCase();
      const shown = words.length ? words.every((word) => line.includes(word)) : state.which === "all" || metric.chief;
      figure.hidden = !shown;
      count += shown;
    }
    document.getElementById("curve-count").textContent = `${count} of ${metrics.length} metrics`;
  }

  function press(one, on) {
    one.setAttribute("aria-pressed", String(on));
  }

  /* one of a group of buttons holds */
  function choice(key, then) {
    const buttons = [...document.querySelectorAll(`#curve-tools [data-${key}]`)];
    for (const one of buttons) {
      one.addEventListener("click", () => {
        state[key] = one.dataset[key];
        for (const other of buttons) press(other, other === one);
        then();
      });
    }
  }

  function listen() {
    const again = () => drawn.forEach(draw);
    document.getElementById("curve-search").addEventListener("input", show);
    choice("which", show);
    choice("mode", again);
    choice("axis", again);
    for (const one of document.querySelectorAll("#curve-tools [data-toggle]")) {
      one.addEventListener("click", () => {
        const place = Number(one.dataset.toggle);
        if (!hidden.delete(place)) hidden.add(place);
        press(one, !hidden.has(place));
        again();
      });
    }
    document.getElementById("curve-tools").hidden = false;
  }

  /* a variant's letter wears its colour everywhere */
  function letters() {
    for (const one of document.querySelectorAll("[data-variant]")) {
      const place = variants.findIndex(({ letter }) => letter === one.dataset.variant);
      one.style.setProperty("--own", colour(place));
    }
    for (const one of document.querySelectorAll("#curve-tools [data-toggle]")) {
      one.style.setProperty("--own", colour(Number(one.dataset.toggle)));
    }
  }

  for (const metric of metrics) {
    const figure = element("figure", undefined, "curve");
    figure.dataset.metric = metric.name;
    document.getElementById("curve-grid").append(figure);
  }
  const figures = [...document.querySelectorAll("figure.curve")];
  const forests = [...document.querySelectorAll("figure.forest")];
  [...figures, ...forests].forEach(furnish);
  listen();
  show();
  figures.forEach((figure) => seen.observe(figure));
  palimpsest.repaint(() => {
    letters();
    drawn.forEach(draw);
    forests.forEach(forest);
  });
})();
