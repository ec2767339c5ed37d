"""The field's words as a newcomer reads them: what the page says when one rests on a term."""

import re
from collections.abc import Mapping

from markupsafe import Markup

TERMS: Mapping[str, str] = {
    "generation": "One turn of the loop: a model writes texts, and the next model learns from "
    "them. g00 is the human text, and the model that learned from it.",
    "integrity": "How much room the texts take up, less a penalty for moving away, as a share of "
    "what as many fresh human texts reach. 100 % is what human text reads. Each text is a point in "
    "a space in which texts that say alike things lie close; the room is the volume of the hull "
    "around all points.",
    "fresh human text": "Human texts of the same number, which no model has learned from.",
    "null band": "Where 95 % of fresh human samples of the same size lie: what “nothing happened” "
    "looks like.",
    "95 % interval": "How far a number may be off because these texts were drawn and no others.",
    "control chain": "The same loop from the same beginning, but every generation learns from "
    "human text that none has seen: what it loses is the loop's own doing.",
    "alarm": "The second generation in a row at which a metric is outside its null band on the "
    "same side, counted over all metrics at once so that 5 % of the alarms may be false.",
    "lead": "How many generations earlier than integrity a metric warned.",
    "p": "How often fresh human text would depart as far by chance.",
    "perplexity": "Among how many equally likely tokens a model would have to guess: lower means "
    "that it knows the text better.",
    "held-out": "Human text that no model of the chain has learned from.",
    "unigrams": "How often each token occurs, and nothing else: no word is expected because of the "
    "words before it.",
    "nat": "A unit of surprise: a token of probability p costs −ln p nats.",
    "token": "A piece of text that the model reads and writes at once: a word, or a part of one.",
    "2-gram": "Two words in a row.",
    "fact coverage": "The share of the ledger's facts that the texts still state.",
    "ledger": "The list of all facts that the human texts were written from, so that every "
    "statement can be checked.",
    "model 0": "The first model, which learned from human text alone.",
    "witness prompt": "A beginning that every generation's model continues, so that their answers "
    "can be read side by side.",
    "phase": "A stretch of generations over which the hull's volume shrinks at one rate.",
    "half-life": "The first generation with an integrity of 0.5 or less.",
    "neural collapse": "How tightly a model's inner states gather around one point for each next "
    "token (NC1 to NC4). More of it goes with a better fit to human text: a lens, by itself no "
    "damage.",
    "fingerprint": "One number for everything that the chain's scores hold: two chains with the "
    "same fingerprint are the same.",
}
MARK = re.compile(r"\[\[(.+?)(?:\|(.+?))?\]\]")
"""A term in a sentence: [[alarm]], or [[2-gram|word pairs]] where the sentence says it so."""


def term(key: str, word: str = "") -> Markup:
    """A word that explains itself: by pointer, by keyboard, by finger."""
    return explained(word or key, TERMS[key])


def explained(word: str, words: str) -> Markup:
    """A word and its explanation, both escaped."""
    markup = Markup('<span class="term" tabindex="0" role="button" data-tip="{}">{}</span>')
    return markup.format(words, word)


def with_terms(sentence: str) -> Markup:
    """A sentence of this package in which [[terms]] explain themselves; the rest is escaped."""
    parts, end = [], 0
    for found in MARK.finditer(sentence):
        parts.append(Markup.escape(sentence[end : found.start()]))
        parts.append(term(found[1], found[2] or found[1]))
        end = found.end()
    return Markup("").join([*parts, Markup.escape(sentence[end:])])
