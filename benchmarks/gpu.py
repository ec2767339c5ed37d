"""What a GPU reaches with GPT-2 small: sampled tokens a second, and its share of what it could do.

    python benchmarks/gpu.py --out gpu.jsonl       # or: python -m benchmarks.gpu
    python benchmarks/gpu.py --quick               # toy size on the CPU, to see that it runs

No DVC, no network, random weights, random tokens. Without a card it runs at toy size.

- **Products**: the card's own rate, two square matrices in bfloat16, 2 n³ floating-point operations
  (FLOPs) each time; the fastest round, so that shares of it are not flattered.
- **Sampling**: `palimpsest.lm.generation.generate` in bfloat16, one batch of documents × 97 tokens,
  top-k 50, penalty 1.05, all of it: prompt, recording, random numbers, texts back on the host. A
  run before the rounds warms up.
- **Fine-tuning**: `palimpsest.lm.training.train`, bfloat16 over float32 masters, 64 rows of 512
  tokens; seconds a step once the first steps are over. Model FLOPs utilisation (MFU, Chowdhery et
  al. 2022, arXiv:2204.02311) is the FLOPs of a step over its seconds, as a share of the card's own
  rate, with

      FLOPs of a step = tokens × (6 N + 6 L d T)

  where N counts the weights that take part in products (the tied embedding once, as the output;
  positions, norms and biases not), L the layers, d the width and T the tokens of a row. Every
  product costs 2 FLOPs a weight forward and 4 backward. Attention's two products cost 4 d T a layer
  and token forward, three times that with the backward pass, and half of it is causal.

Float32 stays float32: TF32 is off, as torch has it; the machine's name says what was set.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a file: Python looks in its folder alone
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import numpy as np  # noqa: E402
import tokenizers  # noqa: E402
import torch  # noqa: E402

from benchmarks.model_shapes import SHAPES, sampling_params, training_params  # noqa: E402
from benchmarks.paired import Measured, Pair, Timing, hold_equal, machine, measure  # noqa: E402
from palimpsest.core.parameters import ModelParams, Parameters  # noqa: E402
from palimpsest.core.rng import uniforms  # noqa: E402
from palimpsest.core.team import ALONE  # noqa: E402
from palimpsest.lm.checkpoint import scratch_model  # noqa: E402
from palimpsest.lm.generation import generate  # noqa: E402
from palimpsest.lm.runtime import placed  # noqa: E402
from palimpsest.lm.tokenizer import Tokenizer  # noqa: E402
from palimpsest.lm.training import train  # noqa: E402
from palimpsest.lm.training_curve import Step  # noqa: E402
from palimpsest.lm.transformer import Transformer  # noqa: E402

HEAD = ("work", "measured", "of the card's products", "wanted", "machine", "date")
WANTED_MFU, WANTED_TOKENS = 0.45, 100_000
TOY_NAME = "toy_"
"""With which the names of measurements begin that were made at toy size."""
GPT2 = SHAPES["GPT-2 small"]


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    types: int = GPT2["vocab_size"]
    layers: int = GPT2["n_layer"]
    heads: int = GPT2["n_head"]
    width: int = GPT2["n_embd"]
    context: int = GPT2["n_positions"]
    square: int = 8192
    """Rows of a square matrix."""
    repeats: int = 50
    """Products of a round."""
    batches: tuple[int, ...] = (64, 256, 1024)
    new: int = 97
    """Tokens that a document gets."""
    rows: int = 64
    row_tokens: int = 512
    warm: int = 5
    """Steps of the training before those that are timed."""
    steps: int = 20
    """Steps that are timed."""


TOY = Sizes(
    types=320, layers=2, heads=2, width=32, context=64, square=64, repeats=2,
    batches=(2, 6), new=8, rows=4, row_tokens=24, warm=2, steps=3,
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    work: str
    measured: Measured
    unit: str
    """``TFLOP/s`` or ``tokens/s``."""
    share: float | None = None
    """Of the card's own rate of products."""
    wanted: str = ""

    def cells(self) -> list[str]:
        """Of the table, without its marks."""
        rate = self.measured.amount / statistics.median(self.measured.ours)
        shown = f"{rate / 1e12:,.3g}" if self.unit == "TFLOP/s" else f"{rate:,.0f}"
        toy = self.measured.name.startswith(TOY_NAME)  # of its numbers nothing is wanted
        share = "–" if toy or self.share is None else f"{self.share:.1%}"
        where = [self.measured.machine, self.measured.date]
        return [self.work, f"{shown} {self.unit}", share, "" if toy else self.wanted, *where]


@dataclass(frozen=True)
class RandomTokens(Tokenizer):
    """Every text is as many random tokens; the last type starts and ends it, as in GPT-2."""

    types: int = 2
    length: int = 1

    @classmethod
    def of(cls, types: int, length: int) -> "RandomTokens":
        """Of so many types, texts of so many tokens."""
        backend = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, "a"))
        return cls(backend, types - 1, types - 1, types=types, length=length)

    @property
    def size(self) -> int:
        """Number of token types."""
        return self.types

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids, the last type not among them; the same for as many texts."""
        drawn = np.random.default_rng(0).integers(self.types - 1, size=(len(texts), self.length))
        ids: list[list[int]] = drawn.tolist()
        return ids


def flops_of_a_step(model: Transformer, tokens: int, row_tokens: int) -> float:
    """Of a forward and a backward pass, by the formula above."""
    shapes = {name: tuple(weight.shape) for name, weight in model.parameters().items()}
    matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2}
    weights = sum(a * b for name, (a, b) in matrices.items() if "wpe" not in name)
    layers, width = model.config["n_layer"], model.config["n_embd"]
    return float(tokens * (6 * weights + 6 * layers * width * row_tokens))


def model_of(sizes: Sizes, device: torch.device) -> tuple[Transformer, RandomTokens]:
    """Random weights in float32 on a device, and what stands for a tokenizer."""
    names = ModelParams.model_fields.keys() & {"layers", "heads", "width", "context"}
    shape = {name: getattr(sizes, name) for name in names}
    params = Parameters.load(ROOT / "params.yaml").model.changed(**shape)
    tokenizer = RandomTokens.of(sizes.types, sizes.row_tokens - 1)
    return scratch_model(params, tokenizer, 0).to(torch.float32, device), tokenizer


def card(device: torch.device) -> str:
    """The machine, the card's name and memory, CUDA's version and whether TF32 is on."""
    if device.type != "cuda":
        return f"toy size, {machine()}"
    facts = torch.cuda.get_device_properties(device)
    tf32 = "on" if torch.backends.cuda.matmul.allow_tf32 else "off"
    memory = f"{facts.total_memory / 2**30:.0f} GiB"
    return f"{facts.name}, {memory}, CUDA {torch.version.cuda}, TF32 {tf32}; {machine()}"


def _line(
    name: str, amount: float, timing: Timing, facts: dict[str, float], device: torch.device
) -> Measured:
    toy = "" if device.type == "cuda" else TOY_NAME
    ours, where = timing.ours, card(device)
    return Measured(f"{toy}{name}", amount, ours, [], None, facts, False, "", machine=where)


def products(sizes: Sizes, device: torch.device, rounds: int) -> Line:
    """The card's own rate."""
    n = sizes.square
    left, right = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    out = torch.empty_like(left)

    def work() -> None:
        for _ in range(sizes.repeats):
            torch.mm(left, right, out=out)
        _finish(device)

    timing, _ = measure(Pair(work, 1.0), rounds)
    measured = _line("gpu_products", 2.0 * n**3 * sizes.repeats, timing, {"n": n}, device)
    return Line(f"products of {n:,} × {n:,} matrices, bfloat16", measured, "TFLOP/s")


def sampling(
    model: Transformer, tokenizer: RandomTokens, sizes: Sizes, batch: int, rounds: int
) -> Line:
    """Writes one batch of documents."""
    params = sampling_params(
        batch_size=batch,
        max_new_tokens=sizes.new,
        temperature=0.8,
        top_k=50,
        repetition_penalty=1.05,
        stop_at_end=False,
    )
    noise = partial(uniforms, 0, "benchmark", 0)
    work: Callable[[], list[list[int]]] = partial(
        generate, model, tokenizer, [[]] * batch, params, noise
    )

    def check(texts: list[list[int]], _: None) -> dict[str, float]:
        hold_equal("tokens", sum(map(len, texts)), batch * sizes.new)
        return {"documents": len(texts), "distinct": len({tuple(text) for text in texts})}

    timing, facts = measure(Pair(work, float(batch * sizes.new), check=check), rounds)
    work_name = f"sampling, {batch:,} documents × {sizes.new} tokens, bfloat16"
    measured = _line(f"gpu_sampling_{batch}", batch * sizes.new, timing, facts, model.device)
    return Line(work_name, measured, "tokens/s", None, f"≥ {WANTED_TOKENS:,}")


def fine_tuning(
    model: Transformer, tokenizer: RandomTokens, sizes: Sizes, peak_flops: float
) -> Line:
    """Trains for some steps; each is one round."""
    steps = sizes.warm + sizes.steps
    params = training_params(
        blocks="padded",
        block_tokens=sizes.row_tokens + 1,
        batch_size=sizes.rows,
        epochs=None,
        steps=steps,
        dtype="bfloat16",
    )
    seen: list[tuple[float, Step]] = []

    def progress(step: Step, of: int) -> None:
        seen.append((time.perf_counter(), step))

    texts = [str(number) for number in range(sizes.rows * 4)]
    train(model, tokenizer, texts, params, np.random.default_rng(0), progress)
    times = [moment for moment, _ in seen[sizes.warm - 1 :]]
    seconds = [after - before for before, after in pairwise(times)]
    tokens = sizes.rows * sizes.row_tokens
    for _, step in seen:
        hold_equal("tokens with loss", step.tokens, tokens)
    flops = flops_of_a_step(model, tokens, sizes.row_tokens)
    mfu = flops / statistics.median(seconds) / peak_flops
    facts = {"flops": flops, "mfu": mfu, "last_loss_nats": seen[-1][1].loss_nats}
    measured = _line("gpu_fine_tuning", tokens, Timing(seconds, []), facts, model.device)
    work = f"fine-tuning, {sizes.rows} rows × {sizes.row_tokens} tokens, bfloat16 (MFU)"
    return Line(work, measured, "tokens/s", mfu, f"≥ {WANTED_MFU:.0%}")


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def lines(sizes: Sizes, device: torch.device, rounds: int) -> Iterable[Line]:
    """Every row of the table, one after the other."""
    own = products(sizes, device, rounds)
    yield own
    compute = Parameters.load(ROOT / "params.yaml").compute.changed(device=device.type)
    placed(ALONE, compute, finetune=training_params(dtype="bfloat16"))  # as the stages do
    model, tokenizer = model_of(sizes, device)
    short = model.to(torch.bfloat16, device)
    for batch in sizes.batches:
        yield sampling(short, tokenizer, sizes, batch, rounds)
    del short
    yield fine_tuning(model, tokenizer, sizes, own.measured.amount / min(own.measured.ours))


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="toy size on the CPU")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--types", type=int, help="token types; default: GPT-2's 50,257")
    parser.add_argument("--out", type=Path, help="a file that gets a line of JSON for each row")
    args = parser.parse_args(argv)
    if args.rounds < 1:
        parser.error(f"--rounds: want at least 1, got {args.rounds}")
    if args.types is not None and args.types < 2:
        parser.error(f"--types: want at least 2, got {args.types}")
    return args


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)
    toy = args.quick or not torch.cuda.is_available()
    if toy and not args.quick:
        print("no GPU: toy size on the CPU; these numbers say nothing", file=sys.stderr)
    device, sizes = torch.device("cpu" if toy else "cuda"), TOY if toy else Sizes()
    if args.types:
        sizes = replace(sizes, types=args.types)
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    for line in lines(sizes, device, args.rounds):
        print(f"| {' | '.join(line.cells())} |", flush=True)
        if args.out is not None:
            line.measured.append_to(args.out)


if __name__ == "__main__":
    main()
