"""What `palimpsest.monitor` costs a training: seconds a measurement against seconds a step.

    python -m benchmarks.monitor_overhead [--model FOLDER --texts FILE] [--every 200]

A measurement costs the same whatever k is, so that its share of the time is

    measurement / (k · step + measurement)

Steps (forward, backward, AdamW on a batch) and measurements (the callback's default options, with
the bundled encoder) take turns: what else the machine does meets both. Medians and ranges are
printed, also of the parts of a measurement (what is left is embedding and metrics), and the time
that the reference takes once. Without arguments the model is a GPT-2 of 5 million weights from
scratch, the text the default world's, with a tokenizer of its own.

Known gaps: `Trainer` does more between two steps than this loop, so that the share is smaller
there; a model that has learned to end its texts writes fewer tokens than one from scratch.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from benchmarks.model_shapes import some_texts
from palimpsest.embedding.encoder import Encoder, named_encoder
from palimpsest.lm.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from palimpsest.monitor.live import live_model
from palimpsest.monitor.measuring import Monitor
from palimpsest.monitor.options import DEFAULTS
from palimpsest.monitor.undisturbed import undisturbed

TYPES, SHAPE = 8000, {"n_layer": 6, "n_head": 4, "n_embd": 224, "n_positions": 512}
"""Of the model from scratch: 5.5 million weights with the 8,000 rows of the embedding."""
LEARNED = 1500
"""Types of its tokenizer: the world's few words yield no more. The other rows are computed with,
and stand for nothing."""


def model_of(folder: Path | None, texts: list[str]) -> tuple[Any, Tokenizer]:
    if folder is not None:
        return AutoModelForCausalLM.from_pretrained(str(folder)), load_tokenizer(folder)
    tokenizer = train_tokenizer(texts, LEARNED)
    special = {"bos_token_id": tokenizer.start, "eos_token_id": tokenizer.end}
    return GPT2LMHeadModel(GPT2Config(vocab_size=TYPES, **SHAPE, **special)), tokenizer


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


class Training:
    """A training that is only timed: batches of random text behind one another."""

    def __init__(self, model: Any, tokenizer: Tokenizer, texts: list[str], shape: tuple[int, int]):
        self.model, self.shape = model, shape
        stream = [token for ids in tokenizer.documents(texts) for token in ids]
        self.stream_N = torch.tensor(stream, device=next(model.parameters()).device)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def step(self) -> None:
        """One optimizer step."""
        batch, length = self.shape
        begins = torch.randint(len(self.stream_N) - length, (batch,)).tolist()
        ids_BT = torch.stack([self.stream_N[begin : begin + length] for begin in begins])
        self.model(input_ids=ids_BT, labels=ids_BT).loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a folder of transformers; from scratch without")
    parser.add_argument("--texts", type=Path, help="human text; the default world's without")
    parser.add_argument("--every", type=int, default=DEFAULTS.every, help="k")
    parser.add_argument("--batch", type=int, nargs=2, default=(16, 128), metavar=("B", "T"))
    parser.add_argument("--rounds", type=int, default=3, help="measurements, after one to warm up")
    parser.add_argument("--steps", type=int, default=10, help="steps a round, and to begin with")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device(args.device)
    texts = some_texts(args.texts, 4000)
    reference, heldout, training_texts = texts[:1200], texts[1200:1600], texts[1600:]
    model, tokenizer = model_of(args.model, training_texts)
    model.to(device).train()
    training = Training(model, tokenizer, training_texts, tuple(args.batch))
    encoder = Encoder.load(named_encoder("bundled", "encoder"))
    taken: dict[str, list[float]] = {"step": [], "measurement": [], "writing": [], "reading": []}
    with ExitStack() as stack:
        stack.enter_context(undisturbed(model))
        live = live_model(model)
        begun = time.perf_counter()
        monitor = Monitor(tokenizer, live.context, reference, heldout, encoder.encode, DEFAULTS)
        once = time.perf_counter() - begun
    for round_ in range(args.rounds + 1):
        times = {"step": [seconds(training.step, device) for _ in range(args.steps)]}
        with undisturbed(model):
            times["measurement"] = [seconds(lambda at=round_: monitor.measure(live, at), device)]
            times["writing"] = [seconds(lambda at=round_: monitor.write(live, at), device)]
            times["reading"] = [seconds(lambda: monitor.read(live), device)]
        for name, values in times.items() if round_ else ():
            taken[name] += values
    weights = sum(weight.numel() for weight in model.parameters())
    texts_each = monitor.sampling.documents
    print(f"{weights:,} weights, batch {args.batch[0]} x {args.batch[1]}, {device.type}, ", end="")
    print(f"{torch.get_num_threads()} threads; {texts_each} texts of {DEFAULTS.max_new_tokens}")
    for name, values in taken.items():
        span = f"{min(values):.3f} to {max(values):.3f}"
        print(f"{name:12}{statistics.median(values):8.3f} s ({span})")
    print(f"reference   {once:8.3f} s, once")
    step, measurement = (statistics.median(taken[name]) for name in ("step", "measurement"))
    share = measurement / (args.every * step + measurement)
    print(f"share at k = {args.every}: {100 * share:.1f} %")


if __name__ == "__main__":
    main()
