"""Class sums by index against a one-hot product: CPU seconds a batch, and their ratio.

    python -m benchmarks.class_statistics

A batch is 1,024 tokens of GPT-2's size: 50,257 classes, hidden states of width 768. `index` is
`ClassSums.update`, float64 sums and checks included; `one-hot` forms the (classes, tokens) matrix
and multiplies it with the hidden states in float32, the type that suits it best. The two take
turns; the median of each is reported, and their largest difference. CPU time, on one thread: on a
shared machine the clock on the wall says more about the others.
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

    def __init__(self, classes: int, width: int) -> None:
        self.counts_K = torch.zeros(classes)
        self.sums_Kd = torch.zeros(classes, width)
        self.classes_K1 = torch.arange(classes)[:, None]

    def update(self, hidden_Nd: Tensor, targets_N: Tensor) -> None:
        """Adds a batch."""
        one_hot_KN = (self.classes_K1 == targets_N).float()
        self.counts_K += one_hot_KN.sum(dim=1)
        self.sums_Kd += one_hot_KN @ hidden_Nd


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
    index, one_hot = ClassSums(CLASSES, WIDTH), OneHotSums(CLASSES, WIDTH)
    times: dict[str, list[float]] = {"index": [], "one-hot": []}
    for round_ in range(args.rounds + 1):
        by_index = [
            seconds(lambda: index.update(hidden_Nd, targets_N)) for _ in range(args.index_steps)
        ]
        by_product = seconds(lambda: one_hot.update(hidden_Nd, targets_N))
        if round_:
            times["index"] += by_index
            times["one-hot"].append(by_product)
    mean_of_product = one_hot.sums_Kd / one_hot.counts_K.clamp(min=1)[:, None]
    difference = (torch.from_numpy(index.means) - mean_of_product).abs().max()
    middle = {name: statistics.median(values) for name, values in times.items()}
    for name, value in middle.items():
        low, high = min(times[name]), max(times[name])
        print(f"{name:8} {1e3 * value:10.2f} ms (from {1e3 * low:.2f} to {1e3 * high:.2f})")
    print(f"ratio    {middle['one-hot'] / middle['index']:10.0f}")
    print(f"largest difference of the means {difference:.1e}")


if __name__ == "__main__":
    main()
