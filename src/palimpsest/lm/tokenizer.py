"""Text to token ids and back, with the start and the end of a document.

A document is read as start, its tokens, end. Where a tokenizer has no start token of its own
(GPT-2), its end-of-text serves as both, as in GPT-2's own training data.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import decoders, models, pre_tokenizers, trainers

from palimpsest.core.errors import CorpusError, ModelError
from palimpsest.core.storage import refused_by_disk
from palimpsest.lm.weights import read_json

END_OF_TEXT = "<|endoftext|>"
WORD_MARKS = ("Ġ", "▁")
"""What byte-level tokenizers and SentencePiece write for the space before a word."""

FITTING = "one whose parts fit each other"
"""What is wanted instead of a tokenizer that cannot encode."""
HALF_A_LETTER = "\ufffd"
"""What tokens that end inside a letter's bytes are decoded to."""


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer with its start and end of text."""

    backend: tokenizers.Tokenizer
    start: int
    """Id that every document begins with."""
    end: int
    """Id that ends a document."""
    limit: int | None = None
    """Token types that the model has, if it is known and they may be fewer."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without start and end; special tokens in it are plain text.

        Raises:
            ModelError: a text uses a token that the model does not have, or the tokenizer's parts
                do not fit each other.
        """
        with _in_one_line("the tokenizer", FITTING):
            encoded = self.backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [self._known(encoding.ids) for encoding in encoded]

    def _known(self, ids: list[int]) -> list[int]:
        """The ids, if the model has them all."""
        if self.limit is not None and max(ids, default=0) >= self.limit:
            wanted = f"token types below {self.limit}, the model's"
            token = next(token for token in ids if token >= self.limit)
            got = f"{token} ({self.backend.id_to_token(token)!r})"
            raise ModelError("a text", wanted=wanted, got=got)
        return ids

    def documents(self, texts: Sequence[str]) -> list[list[int]]:
        """Start, tokens and end of each text."""
        return [[self.start, *ids, self.end] for ids in self.encode(texts)]

    def continued(
        self, prompts: Sequence[str], texts: Sequence[str]
    ) -> tuple[list[list[int]], list[int]]:
        """Documents as in `documents`, each a prompt and its continuation read as one text.

        Returns:
            The documents; and how many tokens of each lie wholly in its prompt.
        """
        whole = [prompt + text for prompt, text in zip(prompts, texts, strict=True)]
        with _in_one_line("the tokenizer", FITTING):
            encoded = self.backend.encode_batch(whole, add_special_tokens=False)
        given = [
            sum(end <= len(prompt) for _, end in encoding.offsets)
            for prompt, encoding in zip(prompts, encoded, strict=True)
        ]
        ids = [self._known(encoding.ids) for encoding in encoded]
        return [[self.start, *row, self.end] for row in ids], given

    def decode_behind(
        self, prompts: Sequence[Sequence[int]], ids: Sequence[Sequence[int]]
    ) -> tuple[list[str], list[str]]:
        """The texts of prompts, and what ids add behind them.

        A space before a word shows only where another word stands before it, and a letter may be
        begun by one token and ended by the next: the whole is decoded, and its beginning taken off.
        """
        starts, alone = self.decode(prompts), self.decode(ids)
        whole = self.decode([[*old, *new] for old, new in zip(prompts, ids, strict=True)])
        texts = []
        for at, (start, text) in enumerate(zip(starts, whole, strict=True)):
            starts[at] = start if text.startswith(start) else start.rstrip(HALF_A_LETTER)
            # where even that is not the beginning, the two do not touch
            behind = text.startswith(starts[at])
            texts.append(text.removeprefix(starts[at]) if behind else alone[at])
        return starts, texts

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """The text of each list of ids, special tokens left out."""
        # by id: tokenizers does not know the name of one that a normalizer has changed (▁<s>)
        special = self._special()
        rows = [[token for token in row if token not in special] for row in ids]
        return self.backend.decode_batch(rows, skip_special_tokens=True)

    def _special(self) -> dict[int, Any]:
        added = self.backend.get_added_tokens_decoder()
        return {token: entry for token, entry in added.items() if entry.special}

    def counts(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """How often each token type occurs in the texts, (V,)."""
        flat = [token for ids in self.encode(texts) for token in ids]
        return np.bincount(np.array(flat, dtype=np.int64), minlength=self.size)

    def between(self, start: str | None, end: str | None) -> "Tokenizer":
        """The same tokenizer with another start or end of a document; None leaves its own.

        Raises:
            ModelError: it has no such special token (an ordinary one may stand within a text).
        """
        special = {entry.content: token for token, entry in self._special().items()}
        for name, token in (("start", start), ("end", end)):
            if token is not None and token not in special:
                wanted = f"a special token of the tokenizer ({', '.join([*special][:8]) or 'none'})"
                raise ModelError(f"model.{name}_token", wanted=wanted, got=repr(token))
        first = self.start if start is None else special[start]
        return replace(self, start=first, end=self.end if end is None else special[end])

    @property
    def size(self) -> int:
        """Number of token types that the tokenizer knows, and the model has."""
        known = int(self.backend.get_vocab_size(with_added_tokens=True))
        return known if self.limit is None else min(known, self.limit)

    @property
    def learned(self) -> int:
        """Number of token types without those that were added to it."""
        return int(self.backend.get_vocab_size(with_added_tokens=False))

    def frequent_words(self, counts_V: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """The token types that begin a word and are most frequent in a text.

        Such a type is written with a leading space (Ġ, or ▁ in SentencePiece), all letters behind
        it. Known gap: of the bytes of a letter outside ASCII, byte-level types show other letters.

        Args:
            counts_V: how often each type occurs, (V,) or shorter.
            most: how many to take at the most.

        Returns:
            Their ids, the most frequent first, ties by id; only types that occur.
        """
        occurring = np.flatnonzero(counts_V)
        words = [token for token in occurring.tolist() if self._begins_word(token)]
        ids = np.array(words, dtype=np.int64)
        return ids[np.argsort(-counts_V[ids], kind="stable")][:most]

    def _begins_word(self, token: int) -> bool:
        text = self.backend.id_to_token(token) or ""
        return text[:1] in WORD_MARKS and text[1:].isalpha()

    def save(self, folder: Path) -> None:
        """Writes tokenizer.json and tokenizer_config.json, as `transformers` reads them.

        Raises:
            OSError: the disk refuses.
        """
        try:
            self.backend.save(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises nothing more precise
            raise refused_by_disk(error) or error from error
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": self.backend.id_to_token(self.start),
            "eos_token": self.backend.id_to_token(self.end),
            "clean_up_tokenization_spaces": False,
        }
        text = json.dumps(config, indent=1, sort_keys=True)
        (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer of the given size, learned from the texts.

    Raises:
        CorpusError: the texts do not fill the vocabulary.
    """
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    if backend.get_vocab_size() < vocabulary:
        raise CorpusError(
            "model.vocabulary",
            wanted=f"at most the {backend.get_vocab_size()} types that the human text yields",
            got=vocabulary,
        )
    backend.encode_special_tokens = True
    end = backend.token_to_id(END_OF_TEXT)
    assert end is not None, "the trainer was given this token"
    return Tokenizer(backend, start=end, end=end)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder.

    Raises:
        ModelError: no tokenizer, a damaged one, or one without an end-of-text token.
    """
    if not folder.is_dir():
        raise ModelError(str(folder), wanted="a folder with a tokenizer", got="no such folder")
    path = folder / "tokenizer.json"
    backend = _read(path) if path.exists() else _converted(folder)
    backend.no_padding()
    backend.no_truncation()
    backend.encode_special_tokens = True
    end = _special(folder, backend, "eos")
    if end is None:
        end = backend.token_to_id(END_OF_TEXT)
    if end is None:
        raise ModelError(
            f"{folder}: tokenizer",
            wanted="an end-of-text token (eos_token in tokenizer_config.json)",
            got="none",
        )
    start = _special(folder, backend, "bos")
    return Tokenizer(backend, start=end if start is None else start, end=end)


def held_tokenizer(theirs: Any) -> Tokenizer:
    """A copy of a tokenizer of `transformers` that is in memory.

    Args:
        theirs: an `AutoTokenizer`.

    Raises:
        ModelError: not one on top of the library `tokenizers`, or without an end-of-text token.
    """
    what = f"tokenizer ({type(theirs).__name__})"
    try:
        backend = tokenizers.Tokenizer.from_str(theirs.backend_tokenizer.to_str())
    except Exception as error:  # none there, or one that cannot be written down
        wanted = "a tokenizer of transformers with a tokenizer.json"
        hint = "AutoTokenizer.from_pretrained(…), or the path of its folder"
        raise ModelError(what, wanted=wanted, got=str(error), hint=hint) from error
    backend.no_padding()
    backend.no_truncation()
    backend.encode_special_tokens = True
    end = theirs.eos_token_id
    end = backend.token_to_id(END_OF_TEXT) if end is None else int(end)
    if end is None:
        raise ModelError(what, wanted="an end-of-text token (eos_token)", got="none")
    start = theirs.bos_token_id
    return Tokenizer(backend, start=end if start is None else int(start), end=end)


def check_same_tokenizer(one: Tokenizer, first: Tokenizer, folder: Path, other: Path) -> None:
    """Makes sure that two models of a chain cut texts alike: likelihoods are sums over tokens.

    Args:
        one: a model's tokenizer.
        first: that of the model that it is compared with.
        folder: where the former lies, for errors.
        other: where the latter lies.

    Raises:
        ModelError: another vocabulary, other rules, or another start or end.
    """
    if (one.start, one.end) != (first.start, first.end):
        wanted = f"start and end {first.start} and {first.end}, as in {other}"
        got = f"{one.start} and {one.end}"
    elif _rules(one) != _rules(first):
        wanted = f"the vocabulary and rules of {other} ({first.size} types)"
        got = f"others ({one.size} types)"
    else:
        return
    hint = "likelihoods under two tokenizers do not compare"
    raise ModelError(f"{folder}: tokenizer", wanted=wanted, got=got, hint=hint)


def _rules(tokenizer: Tokenizer) -> dict[str, Any]:
    """All that decides what a text's tokens are."""
    parts = ("model", "normalizer", "pre_tokenizer", "added_tokens")
    whole = json.loads(tokenizer.backend.to_str())
    return {part: whole.get(part) for part in parts}


def _special(folder: Path, backend: tokenizers.Tokenizer, name: str) -> int | None:
    """The id of the "bos" or "eos" token, from whichever of the folder's files names it."""
    number: Any
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        token = _json(folder / file).get(f"{name}_token")
        token = token.get("content") if isinstance(token, dict) else token
        number = backend.token_to_id(token) if isinstance(token, str) else None
        if number is not None:
            return int(number)
    added = backend.get_added_tokens_decoder()
    for file in ("generation_config.json", "config.json"):
        number = _json(folder / file).get(f"{name}_token_id")
        number = number[0] if isinstance(number, list) and number else number
        # a configuration has default ids, whatever token that is: only a special one counts
        if isinstance(number, int) and number in added and added[number].special:
            return number
    return None


def _json(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}


def _read(path: Path) -> tokenizers.Tokenizer:
    with _in_one_line(str(path), "a tokenizer"):
        return tokenizers.Tokenizer.from_file(str(path))


@contextmanager
def _in_one_line(what: str, wanted: str) -> Iterator[None]:
    """What the library raises as an error of ours: a panic of its Rust is no Exception."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # nothing more precise
        raise ModelError(what, wanted=wanted, got=str(error)) from error


def _converted(folder: Path) -> tokenizers.Tokenizer:
    """A tokenizer in an older format, converted by `transformers`."""
    from transformers import AutoTokenizer

    try:
        slow = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        return tokenizers.Tokenizer.from_str(slow.backend_tokenizer.to_str())
    except Exception as error:  # whatever a family's code raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(str(folder), wanted="a tokenizer", got=reason) from error
