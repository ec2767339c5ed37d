"use strict";
/* How each generation's model learned: the first one by itself, for it learns from nothing and for
   longer, and all that follow in one chart, dark to light. */
(() => {
  const place = document.getElementById("training");
  const curves = palimpsest.data("training-data");
  if (place === null || curves.length === 0) return;

  /* from dark blue to orange: apart by lightness too */
  function shade(share) {
    const [from, to] = [[0, 63, 122], [240, 160, 60]];
    return `rgb(${from.map((part, at) => Math.round(part + share * (to[at] - part))).join(",")})`;
  }

  function chart(title, chosen) {
    const { element, charts } = palimpsest;
    const figure = element("figure");
    const box = element("div", "chart");
    const ends = chosen.map(({ name, loss }) => `${name} ends at ${charts.plain(loss[loss.length - 1])}`);
    box.tabIndex = 0;
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `${title}. ${ends.join(", ")} nats a token.`);
    figure.append(element("figcaption", "", title), box);
    place.append(figure);
    palimpsest.repaint(() => {
      const traces = chosen.map(({ name, step, loss }, at) => ({
        x: step, y: loss, name, mode: step.length > 1 ? "lines" : "markers",
        showlegend: at === 0 || at === chosen.length - 1 || at === Math.floor(chosen.length / 2),
        line: { width: 2, color: chosen.length > 1 ? shade(at / (chosen.length - 1)) : palimpsest.colours().marks[0] },
        hovertemplate: `${name}, step %{x:.0f}: %{y:.4g} nats<extra></extra>`,
      }));
      const layout = charts.layout({
        height: 320, hovermode: "closest", showlegend: chosen.length > 1,
        legend: { orientation: "h", y: 1, yanchor: "bottom", x: 1, xanchor: "right" },
        xaxis: { title: { text: "step", standoff: 6, font: { size: 12 } } },
        yaxis: { title: { text: "nats a token", font: { size: 12 } } },
        margin: { l: 12, r: 14, t: 30, b: 12 },
      });
      charts.paint(box, traces, layout);
    });
  }

  const later = curves.filter(({ name }) => name !== "g00");
  const first = curves.filter(({ name }) => name === "g00");
  if (first.length) chart("g00, from human text", first);
  if (later.length) chart(`${later[0].name} to ${later[later.length - 1].name}, from generated text`, later);
})();
