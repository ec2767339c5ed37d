"use strict";
/* Curves of several variants: a chart for each metric, drawn when it comes into view, and at the
   top how far each variant lies from the control at the generation of the tables.

   A figure.curve with data-metric="NAME" becomes a chart; the grid gets one for each metric. Where
   an interval of few chains reaches far, an axis is cut a quarter beyond the chains' own values. */
(() => {
  const { variants, columns, metrics, generation } = palimpsest.data("comparison-data");
  const at = Object.fromEntries(columns.map((column, place) => [column, place]));
  const { g, plain, faint, paint, press } = palimpsest.charts;
  const hidden = new Set();
  const state = { mode: "mean", axis: "linear", which: "chief" };
  const ENDS = { mean: ["low", "high"], difference: ["difference_low", "difference_high"] };
  const SYMBOLS = ["circle", "square", "diamond", "cross", "triangle-up"];
  const DASHES = ["solid", "dash", "dot", "dashdot"];

  const cells = (rows, name) => rows.map((row) => row[at[name]]);
  const compared = (metric) => variants.map((_, place) => place).filter((place) => metric.rows[place].length);

  function colour(place) {
    const { marks } = palimpsest.colours();
    return marks[place % marks.length];
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
    const { soft } = palimpsest.colours();
    const last = Math.max(...compared(metric).flatMap((place) => cells(metric.rows[place], "generation")));
    return palimpsest.charts.curve(metric, last, tall, {
      hovermode: "x unified",
      yaxis: log ? { type: "log", nticks: 6, exponentformat: "e" } : { nticks: 6, exponentformat: "e", range: range(metric, mode) },
      shapes: mode === "difference" ? [{
        type: "line", xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0, line: { color: soft, width: 1.5, dash: "dash" },
      }] : [],
    });
  }

  function draw(figure, metric) {
    const tall = "tall" in figure.dataset;
    const mode = tall ? "mean" : state.mode;
    const chart = figure.querySelector(".chart");
    paint(chart, traces(metric, mode), layout(metric, mode, tall)).then(() => {
      figure.dataset.drawn = `${mode} ${state.axis}`;
    });
  }

  /* the differences at the generation of the tables, one below the other */
  function forest(figure) {
    const metric = named(figure);
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

  const named = (figure) => metrics.find(({ name }) => name === figure.dataset.metric);

  function furnish(figure, metric) {
    const ends = compared(metric).map((place) => said(place, metric.rows[place][metric.rows[place].length - 1], "mean"));
    const label = `${metric.label} by generation; at the last: ${ends.join(", ")}`;
    const csv = () => [["variant", ...columns], ...variants.flatMap((variant, place) => metric.rows[place].map((row) => [variant.label, ...row]))];
    const { chart, live } = palimpsest.charts.furnish(figure, metric, label, csv);
    if (figure.matches(".curve")) keys(metric, chart, live);
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

  const chosen = (metric) => state.which === "all" || metric.chief;
  const { again, show } = palimpsest.charts.begin(metrics, { furnish, draw, chosen });
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
  const forests = [...document.querySelectorAll("figure.forest")];
  forests.forEach((figure) => furnish(figure, named(figure)));
  palimpsest.repaint(() => {
    letters();
    forests.forEach(forest);
  });
})();
