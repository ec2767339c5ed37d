"use strict";
/* A document as the cloud's panel and the lists of texts show it. Texts go into the page by
   textContent alone, in an element of its own direction, so that no mark in them turns the rest. */
palimpsest.documents = (() => {
  const block = palimpsest.data("documents-data");
  const cloud = palimpsest.data("cloud-data");
  if (block === null) return null;
  const { element } = palimpsest;

  function quote(text) {
    const made = element("blockquote", "text");
    made.dir = "auto";
    if (/\S/.test(text)) made.textContent = text;
    else made.append(element("i", "", text === "" ? "(empty)" : "(blank)"));
    return made;
  }

  function behind(summary, text) {
    const made = element("details", "behind");
    made.append(element("summary", "", summary), quote(text));
    return made;
  }

  function likelihood(nats) {
    if (nats === null) return "no token that model 0 could judge";
    const human = cloud === null || cloud.human_nats === null ? "" : ` (human median ${cloud.human_nats.toFixed(2)})`;
    return `${nats.toFixed(2)} nats a token under model 0${human}`;
  }

  function statement([, entity, relation, value, instead]) {
    return `Not so: ${entity}, ${relation}: ${value} (${instead}).`;
  }

  function name(generation, place) {
    return `${generation}, text ${block.generations[generation].row[place] + 1}`;
  }

  /* The text of a document, what is known of it, and the human texts that it comes near. */
  function card(generation, place, note) {
    const one = block.generations[generation];
    const made = element("article", "card");
    const head = element("p", "head");
    head.append(element("b", "", name(generation, place)), note ? ` · ${note}` : "");
    made.append(head, quote(one.text[place]));
    const say = (text, className) => made.append(element("p", className || "fact", text));
    if (one.cut[place]) say(`Cut at ${block.limit.toLocaleString("en")} of ${one.cut[place].toLocaleString("en")} characters.`);
    const topic = one.topic[place] === null ? "" : `; topic: ${block.topics[one.topic[place]]}`;
    say(`${likelihood(one.nats[place])}${topic}`);
    for (const untrue of one.untrue === null ? [] : one.untrue[place]) say(statement(untrue), "fact untrue");
    if (one.twin[place] !== null) say(`Repeats ${name(generation, one.twin[place])}.`);
    const near = one.nearest[place];
    if (one.copy[place] !== null) {
      const share = Math.round(100 * one.share[place]);
      made.append(behind(`Copies ${share} % of its word 8-grams from a human training text`, block.human[one.copy[place]]));
    }
    if (near !== null) made.append(behind(`Nearest human text: cosine ${near.toFixed(2)}`, block.human[one.human[place]]));
    return made;
  }

  return { block, card, name };
})();
