"use strict";
/* The texts of a generation in lists: near and far from human text, copies, what is new, at random.
   The report chose the texts; here a generation's are shown. */
palimpsest.texts = (() => {
  const lists = palimpsest.data("reading-data");
  const documents = palimpsest.documents;
  const $ = (id) => document.getElementById(`texts-${id}`);
  if (lists === null || documents === null || $("app") === null) return null;
  const names = Object.keys(lists);
  const { element } = palimpsest;
  const { card } = documents;
  const PAGE = 6; /* random texts at once */
  const FIRST = "Nearest to human text";
  const NEW = "New since the generation before";
  const wide = window.matchMedia("(min-width: 721px)");
  const opened = new Map(); /* what the reader opened or closed, by title */
  const state = { at: 0, from: 0 };

  /* On a phone the lists stand below each other: there only the first is open at once. */
  function group(title, why, cards, none) {
    const made = element("details", "group");
    made.open = opened.get(title) ?? (wide.matches || title === FIRST);
    made.addEventListener("toggle", () => opened.set(title, made.open));
    const head = element("summary");
    head.append(element("h3", "", title));
    made.append(head, element("p", "soft", why));
    if (cards.length) made.append(...cards);
    else made.append(element("p", "none", none));
    return made;
  }

  function fresh(name, one) {
    const before = names[state.at - 1];
    const item = ([words, count, place]) => {
      const made = element("details", "behind");
      const summary = element("summary");
      const said = element("q", "text", words);
      said.dir = "auto";
      summary.append(said, ` in ${count} texts`);
      made.append(summary, card(name, place));
      return made;
    };
    const made = group(NEW, `In two texts or more here, and in no text of ${before}.`, [], "");
    made.querySelector(".none").remove();
    for (const [title, some] of [["Openings", one.openings], ["Phrases", one.phrases]]) {
      made.append(element("h4", "", title));
      if (some.length) made.append(...some.map(item));
      else made.append(element("p", "none", "None."));
    }
    return made;
  }

  function random(name, one) {
    const places = one.random.slice(state.from, state.from + PAGE);
    const made = group("At random", "In an order drawn once, so that you see what a sample says.", places.map((at) => card(name, at)), "No texts.");
    if (one.random.length > PAGE) {
      const more = element("button", "", "Others");
      more.type = "button";
      more.addEventListener("click", () => {
        state.from = state.from + PAGE < one.random.length ? state.from + PAGE : 0;
        show(state.at, state.from);
        $("lists").querySelector(".random button").focus();
      });
      made.append(more);
    }
    made.classList.add("random");
    return made;
  }

  function show(at, from = 0) {
    state.at = Math.min(Math.max(at, 0), names.length - 1);
    state.from = from;
    const name = names[state.at];
    const one = lists[name];
    const of = documents.block.generations[name].of;
    const share = (count) => `${count} of ${of}`;
    const cosine = (place) => `cosine ${documents.block.generations[name].nearest[place].toFixed(2)}`;
    $("slider").value = state.at;
    $("slider").setAttribute("aria-valuetext", name);
    $("generation").textContent = name;
    $("say").textContent = `${name}: ${share(one.copies)} texts copy a human training text, ${share(one.repeats)} repeat another text of the generation.`;
    const unknown = "Not known: this generation is the human sample itself.";
    const groups = [
      group(FIRST, "Their embeddings lie closest to that of a human text.", one.nearest.map((place) => card(name, place, cosine(place))), unknown),
      group("Farthest from human text", "No human text of the sample lies near them.", one.farthest.map((place) => card(name, place, cosine(place))), unknown),
      group("Copies of human text", "More than 80 % of their word 8-grams stand in one human training text.", one.copied.map((place) => card(name, place)), "None."),
      group("Copies of each other", "Equal, or nearly, to an earlier text of this generation.", one.alike.map(([place, size]) => card(name, place, `${size} texts say this`)), "None."),
      random(name, one),
    ];
    if (state.at) groups.splice(4, 0, fresh(name, one));
    $("lists").replaceChildren(...groups);
  }

  $("slider").max = names.length - 1;
  $("slider").addEventListener("input", () => show(Number($("slider").value)));
  $("next").addEventListener("click", () => show(state.at + 1));
  $("previous").addEventListener("click", () => show(state.at - 1));
  $("app").hidden = false;
  if ($("written") !== null) $("written").hidden = true;
  show(names.length - 1);
  return { show, state: () => ({ ...state, name: names[state.at] }) };
})();
