"use strict";
/* The cloud of texts in three dimensions. Its hulls and centroids were computed by the report; here
   they are drawn, a generation at a time, and a point leads to its text. `palimpsest.cloud` is what
   the buttons call: show(place), hover(place), pin(place), state(). */
palimpsest.cloud = (() => {
  const block = palimpsest.data("cloud-data");
  const documents = palimpsest.documents;
  const $ = (id) => document.getElementById(`cloud-${id}`);
  if (block === null || documents === null || $("app") === null) return null;
  const generations = documents.block.generations;
  const SIGNS = { circle: "●", square: "■", diamond: "◆" };
  const SIZES = { circle: 8, square: 11, diamond: 6.5 }; /* that look alike; plotly halves sizes of a list */
  const SYMBOLS = Object.keys(SIGNS);
  const TRUTHS = ["all true", "something untrue", "nothing untrue, but no statement somewhere", "no statement at all"];
  const STEP = 900; /* milliseconds that play shows a generation */
  const FRAMES = 80; /* milliseconds in which a frame finds what is under the pointer */
  const SLIP = 6; /* pixels that a click may move; more is turning */
  const SHORT = 220; /* characters of the text beside the pointer */
  const state = { at: 0, colour: "nats", control: false, pinned: null, hovered: null, playing: null, begun: false };

  const current = () => block.chain[state.at];
  const opponent = () => block.control[state.at];

  /* Where the first view is taken from: a narrow scene needs more distance for its corners. */
  function home() {
    const far = $("scene").clientWidth < 600 ? 1.5 : 1.1;
    return { x: far, y: -far, z: 0.55 * far };
  }

  /* --- colours --- */

  function scale() {
    return palimpsest.theme() === "dark" ? ["#4a90d9", "#d183b0", "#f5c04a"] : ["#0072b2", "#b8669a", "#d98a00"];
  }

  function palette() {
    const { marks, ink } = palimpsest.colours();
    return [...marks.filter((_, at) => at !== 6), ink];
  }

  function mix(stops, share) {
    const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const part = (at, from) => parseInt(stops[at].slice(from, from + 2), 16);
    const channel = (from) => Math.round(part(low, from) + (place - low) * (part(low + 1, from) - part(low, from)));
    return `rgb(${channel(1)},${channel(3)},${channel(5)})`;
  }

  /* The colour and the symbol of each point, so that no colour alone tells two kinds apart. */
  function looks(one) {
    const { soft } = palimpsest.colours();
    const plain = { color: soft, symbol: "circle" };
    if (state.colour === "nats") {
      const [low, high] = block.nats;
      const stops = scale();
      return one.nats.map((nats) => (nats === null ? { color: soft, symbol: "square" }
        : { color: mix(stops, (nats - low) / Math.max(high - low, 1e-9)), symbol: "circle" }));
    }
    const kinds = state.colour === "truth" ? truths() : topics();
    const column = state.colour === "truth" ? one.truth : one.topic;
    return column.map((kind) => (kind === null ? plain : kinds[kind]));
  }

  function truths() {
    const marks = palette();
    return [2, 1, 4, 3].map((mark, at) => ({ color: marks[mark], symbol: ["circle", "diamond", "square", "square"][at], label: TRUTHS[at] }));
  }

  function topics() {
    const marks = palette();
    return documents.block.topics.map((label, at) => ({
      color: marks[at % marks.length], symbol: SYMBOLS[at % SYMBOLS.length], label,
    }));
  }

  function legend() {
    const list = $("legend");
    list.replaceChildren();
    const add = (color, sign, text) => {
      const item = palimpsest.element("li");
      const mark = palimpsest.element("span", "", sign);
      mark.style.color = color;
      mark.setAttribute("aria-hidden", "true");
      item.append(mark, ` ${text}`);
      list.append(item);
    };
    const { soft, ink, warm } = palimpsest.colours();
    if (state.colour === "nats") {
      const item = palimpsest.element("li", "scale");
      const bar = palimpsest.element("span", "bar");
      bar.style.background = `linear-gradient(90deg, ${scale().join(", ")})`;
      item.append(`predictable ${block.nats[0].toFixed(2)} `, bar, ` ${block.nats[1].toFixed(2)} surprising, nats a token`);
      list.append(item);
    } else {
      const kinds = state.colour === "truth" ? truths() : topics();
      const column = generations[current()][state.colour];
      kinds.forEach((kind, at) => add(kind.color, SIGNS[kind.symbol], `${kind.label}: ${column.filter((one) => one === at).length}`));
      const none = column.filter((one) => one === null).length;
      if (none) add(soft, "●", `not known: ${none}`);
    }
    if (state.at) add(soft, "●", `human text (${block.chain[0]})`);
    add(ink, "◆", "path of the centroids");
    if (state.control) add(warm, "■", `control chain (${opponent() || "none at this generation"})`);
  }

  /* --- the scene --- */

  function points(name, marker, meta) {
    const { x, y, z } = generations[name];
    return { type: "scatter3d", mode: "markers", x, y, z, marker, meta, name, hoverinfo: "none" };
  }

  function hull(name, color, opacity) {
    const found = block.hulls[name];
    if (found === null) return [];
    const [x, y, z] = found.corners;
    const [i, j, k] = found.faces;
    const skin = { type: "mesh3d", x, y, z, i, j, k, color, opacity, flatshading: true, hoverinfo: "skip",
      lighting: { ambient: 1, diffuse: 0, specular: 0 } };
    const edge = { type: "scatter3d", mode: "lines", x: [], y: [], z: [], hoverinfo: "skip",
      line: { color, width: 1 }, opacity: 0.18 };
    const seen = new Set();
    const line = (a, b) => {
      const key = a < b ? `${a} ${b}` : `${b} ${a}`;
      if (seen.has(key)) return;
      seen.add(key);
      edge.x.push(x[a], x[b], null);
      edge.y.push(y[a], y[b], null);
      edge.z.push(z[a], z[b], null);
    };
    i.forEach((_, face) => {
      line(i[face], j[face]);
      line(j[face], k[face]);
      line(k[face], i[face]);
    });
    return [skin, edge];
  }

  function path(names, color, dash) {
    const [x, y, z] = [0, 1, 2].map((axis) => names.map((name) => block.centroids[name][axis]));
    const size = names.map((_, at) => (at === names.length - 1 ? 8 : 3));
    return { type: "scatter3d", mode: "lines+markers", x, y, z, hoverinfo: "skip",
      line: { color, width: 5, dash }, marker: { color, size, symbol: "diamond" } };
  }

  function traces() {
    const { soft, ink, warm, accent } = palimpsest.colours();
    const one = generations[current()];
    const own = looks(one);
    const marker = { size: own.map((look) => SIZES[look.symbol]), opacity: 0.9, line: { width: 0 },
      color: own.map((look) => look.color), symbol: own.map((look) => look.symbol) };
    const drawn = [points(current(), marker, "chain"), ...hull(current(), accent, 0.07)];
    if (state.at) {
      drawn.push(points(block.chain[0], { size: 2.5, color: soft, opacity: 0.45, line: { width: 0 } }, "human"));
      drawn.push(...hull(block.chain[0], soft, 0.04));
    }
    drawn.push(path(block.chain.slice(0, state.at + 1), ink, "solid"));
    if (state.control && opponent() && state.at) {
      drawn.push(points(opponent(), { size: 3, color: warm, symbol: "square", opacity: 0.6, line: { width: 0 } }, "control"));
      drawn.push(...hull(opponent(), warm, 0.05));
      drawn.push(path(block.control.slice(0, state.at + 1), warm, "dash"));
    }
    if (state.pinned !== null && shown(state.pinned.name)) {
      const { x, y, z } = generations[state.pinned.name];
      const at = state.pinned.place;
      drawn.push({ type: "scatter3d", mode: "markers", x: [x[at]], y: [y[at]], z: [z[at]], hoverinfo: "skip",
        marker: { symbol: "circle-open", size: 14, color: ink, line: { width: 3, color: ink } } });
    }
    return drawn;
  }

  const shown = (name) => name === current() || name === block.chain[0] || (state.control && name === opponent());

  function layout() {
    const { card, ink, line, soft } = palimpsest.colours();
    const [lows, highs] = block.axes;
    const extents = lows.map((low, at) => highs[at] - low);
    const longest = Math.max(...extents);
    const axis = (at) => ({ title: { text: `PC ${at + 1}` }, range: [lows[at], highs[at]], autorange: false,
      gridcolor: line, zerolinecolor: line, linecolor: line, color: ink, tickfont: { color: soft, size: 10 },
      showbackground: false, showspikes: false, nticks: 5 });
    const [x, y, z] = extents.map((extent) => Math.max(extent / longest, 0.3));
    return palimpsest.layout({
      margin: { l: 0, r: 0, t: 0, b: 0 }, uirevision: "cloud",
      scene: { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), aspectmode: "manual", aspectratio: { x, y, z },
        bgcolor: card, dragmode: "turntable", camera: { eye: home(), projection: { type: "perspective" } }, uirevision: "cloud" },
    });
  }

  /* plotly lets a hull that nobody can choose stand before the points in it; only what lies behind
     its interface can take it out of the way of the pointer (tests/report/test_text_sections.py). */
  function seeThrough() {
    const { _scene: drawn } = $("scene")._fullLayout.scene;
    for (const trace of Object.values(drawn.traces)) {
      if (trace.data.hoverinfo !== "skip") continue;
      for (const part of Object.values(trace)) {
        if (part !== null && typeof part === "object" && "drawPick" in part) part.drawPick = () => {};
      }
    }
  }

  function draw() {
    if (!state.begun) return;
    const extra = { scrollZoom: false, modeBarButtons: [["toImage", "resetCameraDefault3d"]] };
    const scene = $("scene");
    const first = scene.data === undefined;
    Plotly.react(scene, traces(), layout(), palimpsest.config(extra)).then(seeThrough);
    if (!first) return;
    scene.on("plotly_hover", ({ points: [point] }) => point.data.meta && hover(point.pointNumber, point.data.name));
    scene.on("plotly_unhover", leave);
  }

  function begin() {
    if (state.begun) return;
    state.begun = true;
    const canvas = document.createElement("canvas");
    if (window.Plotly === undefined || !(canvas.getContext("webgl2") || canvas.getContext("webgl"))) {
      $("scene").replaceChildren(palimpsest.element("p", "soft", "This browser draws no WebGL: the numbers below say what the cloud would show."));
      state.begun = false;
      return;
    }
    palimpsest.repaint(() => {
      legend();
      draw();
    });
  }

  /* --- what the reader does --- */

  function show(at) {
    state.at = Math.min(Math.max(at, 0), block.chain.length - 1);
    $("slider").value = state.at;
    $("generation").textContent = current();
    $("slider").setAttribute("aria-valuetext", current());
    $("say").textContent = block.captions[current()];
    leave();
    legend();
    draw();
    follow();
  }

  function hover(place, name = current()) {
    const box = $("hover");
    state.hovered = { name, place };
    const text = generations[name].text[place];
    box.textContent = text.length > SHORT ? `${text.slice(0, SHORT)}…` : text || "(empty)";
    box.hidden = false;
  }

  function leave() {
    state.hovered = null;
    $("hover").hidden = true;
  }

  /* plotly reports a click only where a frame is drawn while the button is down, and a finger hovers
     over nothing before it taps: so the point under the pointer is kept once a frame has found it. */
  function choose() {
    setTimeout(() => state.hovered !== null && pin(state.hovered.place, state.hovered.name), FRAMES);
  }

  function pin(place, name = current()) {
    const count = generations[name].text.length;
    state.pinned = { name, place: ((place % count) + count) % count };
    $("card").replaceChildren(documents.card(name, state.pinned.place));
    $("unpin").disabled = false;
    draw();
  }

  function unpin() {
    state.pinned = null;
    $("unpin").disabled = true;
    $("card").replaceChildren(palimpsest.element("p", "soft", $("card").dataset.none));
    draw();
  }

  /* The reader at the buttons goes from text to text of the generation that is shown. */
  function step(by) {
    const here = state.pinned !== null && state.pinned.name === current();
    pin(here ? state.pinned.place + by : by > 0 ? 0 : -1);
  }

  function follow() {
    $("play").textContent = state.playing === null ? (palimpsest.still ? "Next generation" : "Play") : "Pause";
  }

  function stop() {
    clearInterval(state.playing);
    state.playing = null;
    follow();
  }

  /* With prefers-reduced-motion a press is one step: nothing moves by itself. */
  function play() {
    const last = block.chain.length - 1;
    if (state.playing !== null) return stop();
    if (palimpsest.still) return show(state.at === last ? 0 : state.at + 1);
    if (state.at === last) show(0);
    state.playing = setInterval(() => (state.at === last ? stop() : show(state.at + 1)), STEP);
    return follow();
  }

  function look(change) {
    if (!state.begun) return;
    const { eye } = $("scene").layout.scene.camera;
    Plotly.relayout($("scene"), { "scene.camera.eye": change(eye) });
  }

  function turn(angle) {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    look(({ x, y, z }) => ({ x: x * cos - y * sin, y: x * sin + y * cos, z }));
  }

  const nearer = (factor) => look(({ x, y, z }) => ({ x: x * factor, y: y * factor, z: z * factor }));

  function wire() {
    $("slider").max = block.chain.length - 1;
    $("slider").addEventListener("input", () => {
      stop();
      show(Number($("slider").value));
    });
    const known = { nats: block.nats !== null, topic: documents.block.topics.length > 0,
      truth: block.chain.every((name) => generations[name].truth !== null) };
    for (const option of [...$("colour").options]) if (!known[option.value]) option.remove();
    state.colour = $("colour").value;
    $("colour").addEventListener("change", () => {
      state.colour = $("colour").value;
      show(state.at);
    });
    $("control-row").hidden = block.control.length === 0;
    $("control").addEventListener("change", () => {
      state.control = $("control").checked;
      show(state.at);
    });
    const press = { play, unpin, next: () => step(1), previous: () => step(-1), left: () => turn(0.35),
      right: () => turn(-0.35), nearer: () => nearer(0.8), farther: () => nearer(1.25), home: () => look(home) };
    for (const [id, action] of Object.entries(press)) $(id).addEventListener("click", action);
    const box = $("hover");
    $("stage").addEventListener("pointermove", (event) => {
      const frame = $("stage").getBoundingClientRect();
      const room = frame.width - box.offsetWidth - 8;
      box.style.left = `${Math.max(Math.min(event.clientX - frame.left + 14, room), 8)}px`;
      box.style.top = `${event.clientY - frame.top + 16}px`;
    });
    let pressed = [0, 0];
    const far = (event) => Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > SLIP;
    $("stage").addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);
    $("stage").addEventListener("pointerup", (event) => far(event) || choose(), true);
    $("app").hidden = false;
    unpin();
    show(block.chain.length - 1);
    /* WebGL costs time and battery: it starts when the reader comes near */
    const watcher = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      begin();
    }, { rootMargin: "300px" });
    watcher.observe($("app"));
  }

  wire();
  return { show, hover, pin, begin, state: () => ({ ...state, name: current() }) };
})();
