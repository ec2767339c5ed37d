"""Class sums by index against a one-hot product: CPU seconds a batch, and their ratios.

    python -m benchmarks.class_statistics

A batch is 1,024 tokens of GPT-2's size: 50,257 classes, hidden states of width 768. `index` is
`ClassSums.update`, float64 sums and checks included; `one-hot` forms the (classes, tokens) matrix
and multiplies it with the hidden states, in float32 and in the same float64. They take turns; the
median of each is reported. CPU time, on one thread: on a shared machine the clock on the wall says
more about the others.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from palimpsest.lm.class_statistics import ClassSums

CLASSES, WIDTH, TOKENS = 50_257, 768, 1024


class OneHotSums:
    """The same sums in the way that a comparison with all classes suggests."""

    def __init__(self, classes: int, width: int, dtype: torch.dtype) -> None:
        self.counts_K = torch.zeros(classes, dtype=dtype)
        self.sums_Kd = torch.zeros(classes, width, dtype=dtype)
        self.classes_K1 = torch.arange(classes)[:, None]

    def update(self, hidden_Nd: Tensor, targets_N: Tensor) -> None:
        """Adds a batch."""
        one_hot_KN = (self.classes_K1 == targets_N).to(self.sums_Kd.dtype)
        self.counts_K += one_hot_KN.sum(dim=1)
        self.sums_Kd += one_hot_KN @ hidden_Nd.to(self.sums_Kd.dtype)


def seconds(step: Callable[[], None]) -> float:
    begin = time.process_time()
    step()
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds after one to warm up")
    parser.add_argument("--index-steps", type=int, default=20, help="index updates a round")
    args = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    hidden_Nd = torch.randn(TOKENS, WIDTH, generator=generator)
    # next tokens repeat as those of a text do: Zipf over the ranks
    weights = 1.0 / torch.arange(1, CLASSES + 1)
    targets_N = torch.multinomial(weights, TOKENS, replacement=True, generator=generator)
    index = ClassSums(CLASSES, WIDTH)
    by_product = {
        f"one-hot {str(dtype).removeprefix('torch.')}": OneHotSums(CLASSES, WIDTH, dtype)
        for dtype in (torch.float32, torch.float64)
    }
    times: dict[str, list[float]] = {name: [] for name in ("index", *by_product)}
    for round_ in range(args.rounds + 1):
        taken = {
            name: [seconds(lambda sums=sums: sums.update(hidden_Nd, targets_N))]
            for name, sums in by_product.items()
        }
        steps = range(args.index_steps)
        taken["index"] = [seconds(lambda: index.update(hidden_Nd, targets_N)) for _ in steps]
        for name, values in taken.items() if round_ else ():
            times[name] += values
    exact = by_product["one-hot float64"]
    means = exact.sums_Kd / exact.counts_K.clamp(min=1)[:, None]
    middle = {name: statistics.median(values) for name, values in times.items()}
    for name, value in middle.items():
        low, high = min(times[name]), max(times[name])
        span = f"from {1e3 * low:.2f} to {1e3 * high:.2f}"
        print(f"{name:16}{1e3 * value:10.2f} ms ({span}), x {value / middle['index']:.0f}")
    difference = (torch.from_numpy(index.means) - means).abs().max()
    print(f"largest difference of the means, float64: {difference:.1e}")


if __name__ == "__main__":
    main()
