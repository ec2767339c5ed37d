"use strict";
/* The curves: a chart for each metric, drawn when it comes into view.

   Every figure.curve of the page with data-metric="NAME" becomes a chart; the grid gets one figure
   for each metric of the data block. A figure draws its value with the 95 % interval, the null
   band and the control chain, and says all of them where the pointer or the arrow keys rest. */
(() => {
  const { metrics, columns } = palimpsest.data("curve-data");
  const at = Object.fromEntries(columns.map((column, place) => [column, place]));
  const { g, plain, faint, press } = palimpsest.charts;
  let axis = "linear";

  const column = (metric, name) => metric.rows.map((row) => row[at[name]]);

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

  /* what a reader hears of a chart */
  function described(metric) {
    if (metric.rows.length === 0) return `${metric.label}: never measured`;
    const [first, last] = [metric.rows[0], metric.rows[metric.rows.length - 1]];
    return `${metric.label} from ${said(metric, first).join(", ")}; to ${said(metric, last).join(", ")}`;
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

  function draw(figure, metric) {
    const chart = figure.querySelector(".chart");
    const low = Math.min(...column(metric, "value").filter((value) => value !== null));
    figure.querySelector(".beyond").hidden = !(axis === "log" && low <= 0);
    const last = Math.max(...column(metric, "generation"));
    const layout = palimpsest.charts.curve(metric, last, "tall" in figure.dataset, {
      hovermode: "x", yaxis: { type: axis, nticks: 6, exponentformat: "e" },
    });
    palimpsest.charts.paint(chart, traces(metric), layout).then(() => { figure.dataset.drawn = axis; });
  }

  function furnish(figure, metric) {
    const csv = () => [columns, ...metric.rows];
    const { chart, live } = palimpsest.charts.furnish(figure, metric, described(metric), csv);
    const beyond = palimpsest.element("p", "beyond soft", "Values of 0 and below have no place on a logarithmic axis.");
    beyond.hidden = true;
    chart.after(beyond);
    keys(metric, chart, live);
  }

  function chosen(metric) {
    const pressed = [...document.querySelectorAll("[data-family][aria-pressed=true]")];
    const families = new Set(pressed.map((one) => one.dataset.family));
    return families.has("all") || families.has(metric.family) || (families.has("chief") && metric.chief);
  }

  const { again, show } = palimpsest.charts.begin(metrics, { furnish, draw, chosen });
  for (const one of document.querySelectorAll("#curve-tools [data-family]")) {
    one.addEventListener("click", () => {
      press(one, one.getAttribute("aria-pressed") !== "true");
      show();
    });
  }
  const axes = [...document.querySelectorAll("#curve-tools [data-axis]")];
  for (const one of axes) {
    one.addEventListener("click", () => {
      axis = one.dataset.axis;
      for (const other of axes) press(other, other === one);
      again();
    });
  }
})();
