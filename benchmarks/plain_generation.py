"""A generation as a plain script makes it, in one process: the peer of `whole_generation`.

    python -m benchmarks.plain_generation --project FOLDER --out FOLDER --seed 1

What someone would write with `transformers` and sentence-transformers, without DVC, without a
cache, with the same result: a generation's texts, its model, its embeddings, likelihoods
and class statistics, and the scorecard. The metrics are this project's on both sides: no library
has them all. Likelihoods under the author and under the first model are two passes, as they are
for every generation after the first.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.fine_tuning import train_plainly
from benchmarks.model_shapes import padded
from benchmarks.reading import (
    classes_with_transformers,
    losses_with_transformers,
    sentence_transformer,
)
from palimpsest.core.parameters import Parameters
from palimpsest.core.storage import read_arrays, read_texts, write_json, write_texts
from palimpsest.corpus.ledger import read_ledger
from palimpsest.corpus.probe import corpus_probe
from palimpsest.evaluation.evaluator import Evaluator
from palimpsest.evaluation.folders import Folders, read_human_side, read_reference
from palimpsest.evaluation.scorecard import Generation, scorecard
from palimpsest.lm.batching import make_rows
from palimpsest.lm.scoring import rare_types
from palimpsest.lm.tokenizer import Tokenizer, load_tokenizer

WORDS = 1000
"""Frequent words whose rows are kept, as in `palimpsest.lm.probing`."""


@dataclass
class Script:
    """A generation in one process."""

    project: Path
    out: Path
    seed: int
    parameters: Parameters = field(init=False)
    tokenizer: Tokenizer = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = Parameters.load(self.project / "params.yaml")
        self.tokenizer = load_tokenizer(self.project / "models/g00")
        self.out.mkdir(parents=True, exist_ok=True)

    def run(self) -> dict[str, Any]:
        """Does it all; what was made, in numbers."""
        torch.manual_seed(self.seed)
        author, first = self._model(), self._model()
        texts = self._written(author, [[]] * self.parameters.generate.documents)
        prompts = self.parameters.witness.prompts
        witness = [self._written(author, [row])[0] for row in self.tokenizer.encode(prompts)]
        write_texts(self.out / "texts.jsonl", texts)
        trained = self._trained(author, texts)
        embeddings = sentence_transformer().encode(texts, show_progress_bar=False)
        np.save(self.out / "embeddings.npy", embeddings)
        heldout = read_texts(self.project / "data/human/heldout.jsonl")
        arrays, classes, probe = self._read(author, first, heldout, texts, witness)
        rows = [{"prompt": a, "text": b} for a, b in zip(prompts, witness, strict=True)]
        generation = Generation(
            number=1,
            texts=texts,
            embeddings=np.asarray(embeddings, dtype=np.float32),
            previous=read_texts(self.project / "data/texts/g00/texts.jsonl"),
            heldout=heldout,
            witness=rows,
            arrays=arrays,
            first_arrays=read_arrays(self.project / "data/embeddings/g00/likelihood.npz"),
            classes=classes,
            probe=probe,
        )
        card = self._scored(generation)
        write_json(self.out / "scorecard.json", card)
        return made_numbers(texts, trained, arrays, card)

    def _model(self) -> Any:
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM.from_pretrained(str(self.project / "models/g00")).eval()

    @torch.inference_mode()
    def _written(self, model: Any, prompts: Sequence[Sequence[int]]) -> list[str]:
        params, made = self.parameters.generate, []
        for begin in range(0, len(prompts), params.batch_size):
            batch = prompts[begin : begin + params.batch_size]
            ids_BT = torch.tensor([[self.tokenizer.start, *row] for row in batch])
            room = model.config.max_position_embeddings - ids_BT.shape[1]
            out_BT = model.generate(
                ids_BT,
                attention_mask=torch.ones_like(ids_BT),
                do_sample=True,
                max_new_tokens=min(params.max_new_tokens, room),
                temperature=params.temperature,
                top_k=params.top_k,
                top_p=params.top_p,
                repetition_penalty=params.repetition_penalty,
                eos_token_id=self.tokenizer.end,
                pad_token_id=self.tokenizer.end,
            )
            made += self.tokenizer.decode(out_BT[:, ids_BT.shape[1] :].tolist())
        return made

    def _trained(self, model: Any, texts: Sequence[str]) -> int:
        params = self.parameters.finetune
        rows = make_rows(self.tokenizer.documents(texts), params.block_tokens, params.blocks)
        tokens = train_plainly(model, self.tokenizer.end, rows, params)
        model.save_pretrained(str(self.out / "model"))
        return tokens

    def _read(
        self,
        model: Any,
        first: Any,
        heldout: Sequence[str],
        texts: Sequence[str],
        witness: Sequence[str],
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """Likelihoods, class statistics and the states of the probe."""
        counts_V = np.load(self.project / "data/human/token_counts.npy")
        rare_V = torch.zeros(model.config.vocab_size)
        rare_V[: len(counts_V)] = torch.from_numpy(rare_types(counts_V)).float()
        losses = losses_with_transformers(model, self.tokenizer, heldout, rare_V)
        names = ("nll", "entropy", "tokens", "rare_nll", "rare_tokens")
        arrays = {f"heldout_{name}": row for name, row in zip(names, losses, strict=True)}
        author = self._model()
        for name, judge, read in (
            ("human", first, texts),
            ("self", author, texts),
            ("witness", first, witness),
        ):
            losses = losses_with_transformers(judge, self.tokenizer, read)
            arrays |= {f"{name}_nll": losses[0], f"{name}_tokens": losses[2]}
        classes = self._classes(model, heldout, counts_V)
        training = read_texts(self.project / "data/human/train.jsonl")
        seed, ledger = self.parameters.seed_of("corpus"), read_ledger(self.project / "data/human")
        probe, skipped = corpus_probe(ledger, training, seed)
        return arrays, classes, probe.arrays(self._states(model, probe.sentences()), skipped)

    def _classes(
        self, model: Any, heldout: Sequence[str], counts_V: NDArray[np.int64]
    ) -> dict[str, NDArray[Any]]:
        least = self.parameters.embed.min_count
        ids, means, variances, agreed = classes_with_transformers(
            model, self.tokenizer, heldout, least
        )
        weights = model.get_output_embeddings().weight.detach().numpy()
        targets = [token for row in self.tokenizer.documents(heldout) for token in row[1:]]
        words = self.tokenizer.frequent_words(counts_V, WORDS)
        return {
            "ids": ids,
            "counts": np.bincount(targets, minlength=len(weights))[ids],
            "variances": variances.astype(np.float32),
            "means": means.astype(np.float32),
            "weights": weights[ids],
            "agreed": np.array(agreed),
            "tokens": np.array(len(targets)),
            "word_rows": weights[words],
        }

    @torch.inference_mode()
    def _states(self, model: Any, sentences: Sequence[str]) -> NDArray[np.float32]:
        """The hidden state at the last token of each sentence."""
        rows = [[self.tokenizer.start, *ids] for ids in self.tokenizer.encode(sentences)]
        ids_BT, mask_BT = padded(rows, self.tokenizer.end)
        out = model(input_ids=ids_BT, attention_mask=mask_BT, output_hidden_states=True)
        last_B = mask_BT.sum(dim=1) - 1
        states: NDArray[np.float32] = out.hidden_states[-1][torch.arange(len(rows)), last_B].numpy()
        return states

    def _scored(self, generation: Generation) -> dict[str, Any]:
        from threadpoolctl import threadpool_limits

        data, params = self.project / "data", self.parameters.score
        seed, texts, first = self.parameters.seed_of("corpus"), data / "texts/g00", data
        folders = Folders(data / "human", texts, texts, texts, self.out, first / "embeddings/g00")
        with threadpool_limits(1, "blas"):  # as stages/score.py has it
            side = read_human_side(folders, params, seed)
            evaluator = Evaluator(read_reference(folders, side, params), {})
            return scorecard(generation, evaluator, side, params, seed)


def made_numbers(
    texts: Sequence[str], trained: int, arrays: Any, card: dict[str, Any]
) -> dict[str, Any]:
    """What a generation is, in numbers that both sides can be held to."""
    return {
        "documents": len(texts),
        "characters": sum(map(len, texts)),
        "trained_tokens": trained,
        "heldout_tokens": float(arrays["heldout_tokens"].sum()),
        "heldout_loss": float(arrays["heldout_nll"].sum() / arrays["heldout_tokens"].sum()),
        "read_texts": sum(len(arrays[f"{name}_nll"]) for name in ("human", "self", "witness")),
        "metrics": sorted(card["metrics"]),
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, required=True, help="with generation 0 finished")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn at random")
    args = parser.parse_args(argv)
    made = Script(args.project, args.out, args.seed).run()
    (args.out / "made.json").write_text(json.dumps(made))


if __name__ == "__main__":
    main()
