"""params.yaml: what each section takes, and the line that each mistake gets."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from palimpsest.core.config import flattened, nested
from palimpsest.core.errors import ParamsError
from palimpsest.core.parameters import Parameters
from tests.tiny import ROOT, drop, turn

SECTIONS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
DEFAULT = flattened(SECTIONS)
NAMES = sorted({key.rpartition(".")[0] for key in DEFAULT} - {""})
"""The dotted names of the sections."""


def checked(changes: dict[str, Any]) -> Parameters:
    """The tracked params.yaml with some values (dotted keys) changed."""
    return Parameters.of(nested(DEFAULT | changes))


def refusal(changes: dict[str, Any]) -> str:
    """The line that says what is wrong with the tracked params.yaml after some changes."""
    with pytest.raises(ParamsError) as caught:
        checked(changes)
    return str(caught.value)


# The file


def test_the_tracked_file_loads():
    loaded = Parameters.load(ROOT / "params.yaml")
    assert flattened(loaded.as_dict()) == {
        key: tuple(value) if isinstance(value, list) else value for key, value in DEFAULT.items()
    }
    assert loaded == checked({})


def test_the_default_can_be_meant():
    assert checked({"seeds.corpus": 3, "seeds.generate": None}).seeds.corpus == 3


def test_no_file_no_yaml_and_no_sections_are_named(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(
        ParamsError, match=r"params\.yaml: want a YAML file, got no such file; palimpsest init"
    ):
        Parameters.load(path)
    path.write_text("seed: [", encoding="utf-8")
    with pytest.raises(ParamsError, match=r"params\.yaml: want valid YAML, got "):
        Parameters.load(path)
    for content, got in (("", "None"), ("[1, 2]", r"\[1, 2\]"), ("text", "'text'")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ParamsError, match=rf"\.yaml: want sections with keys, got {got}$"):
            Parameters.load(path)


def test_the_whole_file_is_checked_whenever_it_is_read(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(nested(DEFAULT | {"report.threshold": 2})), encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        Parameters.load(path)
    assert str(caught.value) == "report.threshold: want > 0 and < 1, got 2"


def test_numbers_in_scientific_notation_are_read(tmp_path):
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert text.count("learning_rate: 0.004 ") == 1
    path.write_text(text.replace("learning_rate: 0.004 ", "learning_rate: 4e-3 "), encoding="utf-8")
    assert Parameters.load(path) == Parameters.load(ROOT / "params.yaml")


# Keys


@pytest.mark.parametrize("key", DEFAULT)
def test_no_parameter_has_a_default(key):
    without = deepcopy(SECTIONS)
    drop(without, key)
    with pytest.raises(ParamsError) as caught:
        Parameters.of(without)
    assert str(caught.value) == f"{key}: want a value, got none (the key is missing)"


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != "seed"])
def test_no_section_can_be_left_out(section):
    with pytest.raises(ParamsError) as caught:
        Parameters.of({name: values for name, values in SECTIONS.items() if name != section})
    assert str(caught.value) == f"{section}: want a value, got none (the key is missing)"


@pytest.mark.parametrize("section", NAMES)
@pytest.mark.parametrize("value", [None, 3, "text", ["list"]], ids=repr)
def test_a_section_is_no_value(section, value):
    others = {key: kept for key, kept in DEFAULT.items() if not key.startswith(f"{section}.")}
    with pytest.raises(ParamsError) as caught:
        Parameters.of(nested(others | {section: value}))
    assert str(caught.value) == f"{section}: want a section with keys, got {value!r}"


@pytest.mark.parametrize("section", ["", *NAMES])
def test_an_unknown_key_is_answered_with_the_known_ones(section):
    prefix = f"{section}." if section else ""
    known = {key.removeprefix(prefix).split(".")[0] for key in DEFAULT if key.startswith(prefix)}
    line = f"{prefix}temprature: want one of: {', '.join(sorted(known))}, got an unknown key"
    assert refusal({f"{prefix}temprature": 1}) == line


# Types


def in_section(section: str, *names: str) -> list[str]:
    """The dotted keys of some parameters of one section."""
    return [f"{section}.{name}" for name in names]


TRAINED = ("pretrain", "finetune")
SHARES = [
    *in_section("corpus.world", "reference_share", "opener_share", "second_subject_share"),
    *(f"{section}.{name}" for section in TRAINED for name in ("warmup", "final")),
    "generate.min_p",
    "regime.real_fraction",
]
EXPONENTS = in_section(
    "corpus.world", "entity_exponent", "category_exponent", "value_exponent", "phrasing_exponent"
)
KINDS: dict[str, list[str]] = {
    "a whole number": [
        "seed",
        *in_section("corpus", "heldout", "null_pool", "reserve"),
        *in_section("corpus.world", "entities", "sentences_least", "sentences_most"),
        *in_section("corpus", "files.min_chars", "hub.min_chars"),
        *in_section("model", "vocabulary", "layers", "heads", "width", "context"),
        *in_section("pretrain", "block_tokens", "skip_tokens", "batch_size"),
        *in_section("finetune", "block_tokens", "skip_tokens", "batch_size"),
        *in_section("generate", "documents", "max_new_tokens", "top_k", "beams", "prompt_tokens"),
        "generate.batch_size",
        *in_section("embed", "min_count", "encoder.batch_size", "encoder.max_tokens"),
        *in_section("score", "words", "half_samples", "null_samples"),
        "models.keep_every",
        *in_section("compute", "threads", "processes"),
    ],
    "a whole number or null": [
        *in_section("seeds", "corpus", "generate", "finetune"),
        *in_section("corpus", "train", "join_chars", "files.max_chars", "hub.max_chars"),
        *in_section("pretrain", "steps"),
        *in_section("finetune", "steps"),
    ],
    "a number": [
        *SHARES,
        *EXPONENTS,
        *in_section("pretrain", "learning_rate", "beta1", "beta2", "weight_decay"),
        *in_section("finetune", "learning_rate", "beta1", "beta2", "weight_decay"),
        *in_section("generate", "temperature", "top_p", "repetition_penalty"),
        *in_section("regime", "keep"),
        *in_section("score", "lam"),
        *in_section("report", "threshold"),
    ],
    "a number or null": [
        *in_section("pretrain", "epochs", "clip_norm"),
        *in_section("finetune", "epochs", "clip_norm"),
    ],
    "text": [
        "corpus.files.text_field",
        *in_section("corpus.hub", "name", "split", "text_field"),
        "model.source",
        "embed.encoder.model",
        "compute.device",
    ],
    "text or null": [
        *in_section("corpus.hub", "config", "revision"),
        *in_section("model", "revision", "start_token", "end_token", "tokenizer"),
        "embed.encoder.revision",
    ],
    "true or false": [
        "compute.portable",
        "pretrain.loss_on_padding",
        "finetune.loss_on_padding",
        *in_section("generate", "stop_at_end", "keep_prompt"),
        "regime.match_tokens",
    ],
    "a list of text": [
        "corpus.files.paths",
        "generate.prompts",
        "witness.prompts",
        "score.custom",
    ],
    "one of 'world', 'files', 'hub'": ["corpus.source"],
    "one of 'paragraph', 'line'": ["corpus.files.txt_unit"],
    "one of 'previous', 'base'": ["pretrain.init", "finetune.init"],
    "one of 'padded', 'packed'": ["pretrain.blocks", "finetune.blocks"],
    "one of 'constant', 'linear', 'cosine'": ["pretrain.schedule", "finetune.schedule"],
    "one of 'float32', 'bfloat16'": [
        *(f"{name}.dtype" for name in (*TRAINED, "generate", "embed", "embed.encoder")),
        *(f"{name}.save_dtype" for name in TRAINED),
    ],
    "one of 'native', 'vllm'": ["generate.engine"],
    "one of 'sample', 'greedy', 'beam'": ["generate.strategy"],
    "one of 'none', 'left', 'right'": ["generate.padding"],
    "one of 'train', 'heldout'": ["generate.prompts_from"],
    "one of 'replace', 'accumulate', 'accumulate_subsample', 'mix', 'fresh', 'filtered'": [
        "regime.kind"
    ],
    "one of 'fresh', 'fixed'": ["regime.real"],
    "one of 'likelihood', 'deduplication', 'nearest_human', 'truth'": ["regime.criterion"],
}
"""What is wanted -> the parameters that want it."""
KIND = {key: wanted for wanted, keys in KINDS.items() for key in keys}
VALUES = [None, True, 7, 7.5, "word", ["word"], {}, {"key": 1}]
FITTING: dict[str, list[Any]] = {
    "a whole number": [7],
    "a whole number or null": [7, None],
    "a number": [7, 7.5],
    "a number or null": [7, 7.5, None],
    "text": ["word"],
    "text or null": ["word", None],
    "true or false": [True],
    "a list of text": [["word"]],
}
"""Those of the values that are of a kind; of a list of choices, none is."""


def test_the_table_of_types_has_every_parameter_once():
    assert sorted(key for keys in KINDS.values() for key in keys) == sorted(DEFAULT)


@pytest.mark.parametrize("key", KIND)
def test_a_wrong_type_is_named(key):
    wanted = KIND[key]
    fitting = [repr(value) for value in FITTING.get(wanted, [])]
    wrong = [value for value in VALUES if repr(value) not in fitting]
    for value in wrong:
        assert refusal({key: value}) == f"{key}: want {wanted}, got {value!r}"


@pytest.mark.parametrize("key", KINDS["a list of text"])
def test_a_list_of_text_holds_text_alone(key):
    assert refusal({key: ["word", 1]}) == f"{key}: want a list of text, got 1"
    assert refusal({key: [None]}) == f"{key}: want a list of text, got None"


@pytest.mark.parametrize("key", KINDS["a number"] + KINDS["a number or null"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), "nan"], ids=repr)
def test_a_number_is_finite(key, value):
    # the other of epochs and steps is no matter: types are checked before what goes together
    got = "nan" if value == "nan" else repr(value)
    assert refusal({key: value}) == f"{key}: want a finite number, got {got}"


# Ranges

RANGES: dict[str, tuple[list[str], list[Any], list[Any]]] = {
    ">= 0": (
        [
            "seed",
            *in_section("seeds", "corpus", "generate", "finetune"),
            *in_section("corpus", "null_pool", "reserve"),
            *in_section("pretrain", "skip_tokens", "weight_decay"),
            *in_section("finetune", "skip_tokens", "weight_decay"),
            *in_section("generate", "top_k", "prompt_tokens"),
            *in_section("score", "lam", "half_samples"),
        ],
        [0],
        [-1],
    ),
    ">= 1": (
        [
            *in_section("corpus", "train", "join_chars"),
            *in_section("corpus", "files.min_chars", "hub.min_chars"),
            *in_section("corpus", "files.max_chars", "hub.max_chars"),
            *in_section("model", "layers", "heads", "width"),
            *in_section("pretrain", "batch_size", "steps"),
            *in_section("finetune", "batch_size", "steps"),
            *in_section("generate", "max_new_tokens", "beams", "batch_size"),
            "embed.min_count",
            "models.keep_every",
        ],
        [1],
        [0, -1],
    ),
    ">= 2": (["pretrain.block_tokens", "finetune.block_tokens", "score.null_samples"], [2], [1]),
    ">= 5": (["corpus.heldout", "generate.documents"], [5], [4]),
    ">= 8": (["model.context"], [8], [7]),
    ">= 100": (["score.words"], [100], [99]),
    ">= 257": (["model.vocabulary"], [257], [256]),
    ">= 10 and <= 10000": (["corpus.world.entities"], [10, 10_000], [3, 9, 10_001]),
    ">= 3 and <= 6": (
        in_section("corpus.world", "sentences_least", "sentences_most"),
        [3, 6],
        [2, 7],
    ),
    ">= 1 and <= 1024": (["compute.threads"], [1, 1024], [0, 1025]),
    ">= 1 and <= 4096": (
        ["embed.encoder.batch_size", "compute.processes"],
        [1, 4096],
        [0, 4097],
    ),
    ">= 3 and <= 32768": (["embed.encoder.max_tokens"], [3, 32_768], [2, 32_769]),
    ">= 0 and <= 1": (SHARES, [0, 1, 0.5], [-0.001, 1.001, 1.5]),
    ">= 0 and <= 4": (EXPONENTS, [0, 4], [-0.001, 4.001]),
    ">= 0 and < 1": (
        ["pretrain.beta1", "pretrain.beta2", "finetune.beta1", "finetune.beta2"],
        [0, 0.999],
        [-0.001, 1, 1.001],
    ),
    "> 0": (
        [
            *in_section("pretrain", "epochs", "learning_rate", "clip_norm"),
            *in_section("finetune", "epochs", "learning_rate", "clip_norm"),
            *in_section("generate", "temperature", "repetition_penalty"),
        ],
        [1e-300, 100],
        [0, -1],
    ),
    "> 0 and <= 1": (["generate.top_p", "regime.keep"], [1e-300, 1], [0, 1.001]),
    "> 0 and < 1": (["report.threshold"], [1e-300, 0.999], [0, 1]),
}
"""Range in words -> its parameters, values inside (the bounds themselves too), values outside."""
COMPANIONS: dict[str, dict[str, Any]] = {
    "corpus.join_chars": {"corpus.source": "files"},
    "compute.processes": {
        "generate.documents": 4096,
        "corpus.null_pool": 0,
        "pretrain.batch_size": 4096,
        "finetune.batch_size": 4096,
    },
    "corpus.files.max_chars": {"corpus.files.min_chars": 1},
    "corpus.hub.max_chars": {"corpus.hub.min_chars": 1},
    "corpus.world.sentences_least": {"corpus.world.sentences_most": 6},
    "corpus.world.sentences_most": {"corpus.world.sentences_least": 3},
    "model.width": {"model.heads": 1},
    "model.context": {
        "pretrain.block_tokens": 8,
        "finetune.block_tokens": 8,
        "generate.max_new_tokens": 7,
    },
    "pretrain.epochs": {"pretrain.steps": None},
    "finetune.steps": {"finetune.epochs": None},
}
"""What else has to change for a parameter to take every value of its range."""
BOUNDED = [
    (key, words, inside, outside)
    for words, (keys, inside, outside) in RANGES.items()
    for key in keys
]


def test_the_table_of_ranges_has_every_number_once():
    numbers = [key for wanted, keys in KINDS.items() if "number" in wanted for key in keys]
    assert sorted(key for key, *_ in BOUNDED) == sorted(numbers)


@pytest.mark.parametrize(("key", "words", "inside", "outside"), BOUNDED)
def test_a_number_is_in_its_range(key, words, inside, outside):
    companions = COMPANIONS.get(key, {})
    for value in inside:
        assert flattened(checked(companions | {key: value}).as_dict())[key] == value
    for value in outside:
        assert refusal(companions | {key: value}) == f"{key}: want {words}, got {value}"


# Values that do not go together


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"corpus.world.sentences_least": 5, "corpus.world.sentences_most": 4},
            "corpus.world.sentences_most: want >= sentences_least (5), got 4",
        ),
        ({"corpus.files.paths": []}, "corpus.files.paths: want at least one file or glob, got ()"),
        (
            {"corpus.files.min_chars": 100, "corpus.files.max_chars": 99},
            "corpus.files.max_chars: want >= min_chars (100), got 99",
        ),
        (
            {"corpus.hub.min_chars": 2, "corpus.hub.max_chars": 1},
            "corpus.hub.max_chars: want >= min_chars (2), got 1",
        ),
        (
            {"corpus.train": None},
            "corpus.train: want a number where corpus.source is world, got None",
        ),
        (
            {"corpus.join_chars": 500},
            "corpus.join_chars: want null where corpus.source is world, got 500",
        ),
        ({"model.width": 130}, "model.width: want a multiple of heads (4), got 130"),
        (
            {"pretrain.epochs": 2},
            "pretrain.steps: want either epochs or steps, the other null, got 1800",
        ),
        (
            {"finetune.epochs": None},
            "finetune.steps: want either epochs or steps, the other null, got None",
        ),
        (
            {"pretrain.block_tokens": 8, "pretrain.skip_tokens": 7},
            "pretrain.skip_tokens: want at most block_tokens - 2 (6), got 7",
        ),
        (
            {"generate.prompts": ["The city"], "generate.prompt_tokens": 3},
            "generate.prompt_tokens: want 0 where generate.prompts lists prompts, got 3",
        ),
        # across sections
        (
            {"generate.documents": 100, "corpus.null_pool": 299},
            "corpus.null_pool: want 0 or >= 300 (3 generate.documents), got 299",
        ),
        (
            {"generate.documents": 100, "corpus.null_pool": 1},
            "corpus.null_pool: want 0 or >= 300 (3 generate.documents), got 1",
        ),
        (
            {"corpus.source": "files", "regime.kind": "filtered", "regime.criterion": "truth"},
            "regime.criterion: want another one where corpus.source is not world, got 'truth'",
        ),
        (
            {"corpus.source": "hub", "regime.kind": "filtered", "regime.criterion": "truth"},
            "regime.criterion: want another one where corpus.source is not world, got 'truth'",
        ),
        (
            {"pretrain.block_tokens": 129},
            "pretrain.block_tokens: want <= 128 (the model's context), got 129",
        ),
        (
            {"finetune.block_tokens": 129},
            "finetune.block_tokens: want <= 128 (the model's context), got 129",
        ),
        (
            {"generate.max_new_tokens": 128},
            "generate.max_new_tokens: want <= 127 (context 128 less start and prompt_tokens), "
            "got 128",
        ),
        (
            {"generate.max_new_tokens": 100, "generate.prompt_tokens": 28},
            "generate.max_new_tokens: want <= 99 (context 128 less start and prompt_tokens), "
            "got 100",
        ),
        (
            {"generate.max_new_tokens": 1, "generate.prompt_tokens": 127},
            "generate.prompt_tokens: want <= 126 (context 128 less start and one new token), "
            "got 127",
        ),
        (
            {"compute.processes": 501},
            "compute.processes: want <= 500 (generate.documents: each has a share of them), "
            "got 501",
        ),
        (
            {"compute.processes": 33},
            "compute.processes: want <= 32 (pretrain.batch_size: each has a share of them), got 33",
        ),
        (
            {"compute.processes": 9, "finetune.batch_size": 8},
            "compute.processes: want <= 8 (finetune.batch_size: each has a share of them), got 9",
        ),
        (
            {"compute.processes": 2, "compute.device": "cuda:1"},
            "compute.device: want auto, cpu or cuda where compute.processes is above 1, "
            "got 'cuda:1'",
        ),
        (
            {"generate.engine": "vllm", "compute.device": "cpu"},
            "compute.device: want auto or cuda where generate.engine is vllm, got 'cpu'",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused(changes, line):
    assert refusal(changes) == line


@pytest.mark.parametrize(
    "changes",
    [
        {"corpus.world.sentences_least": 4, "corpus.world.sentences_most": 4},
        {"corpus.files.min_chars": 100, "corpus.files.max_chars": 100},
        {"corpus.source": "files", "corpus.train": None, "corpus.join_chars": 500},
        {"corpus.source": "hub", "corpus.train": None, "corpus.join_chars": 500},
        {"model.width": 132},
        {"pretrain.epochs": 0.5, "pretrain.steps": None},
        {"finetune.epochs": None, "finetune.steps": 3},
        {"finetune.block_tokens": 8, "finetune.skip_tokens": 6},
        {"generate.prompts": ["The city"]},
        {"generate.prompt_tokens": 3},
        # across sections
        {"corpus.null_pool": 0},
        {"generate.documents": 100, "corpus.null_pool": 300},
        {"corpus.source": "files", "regime.criterion": "truth"},
        {"regime.kind": "filtered", "regime.criterion": "truth"},
        {"corpus.source": "files", "regime.kind": "filtered"},
        {"pretrain.block_tokens": 128, "finetune.block_tokens": 128},
        {"generate.max_new_tokens": 127},
        {"generate.max_new_tokens": 100, "generate.prompt_tokens": 27},
        {"generate.max_new_tokens": 1, "generate.prompt_tokens": 126},
        # the context of a model that is not made here is in its folder
        {"model.source": "a/folder", "pretrain.block_tokens": 1024, "model.context": 8},
    ],
    ids=str,
)
def test_values_that_go_together_are_taken(changes):
    taken = flattened(checked(changes).as_dict())
    lists = {key: tuple(value) for key, value in changes.items() if isinstance(value, list)}
    assert {key: taken[key] for key in changes} == changes | lists


LONGEST = {
    "pretrain.block_tokens": 30, "finetune.block_tokens": 32, "generate.max_new_tokens": 20,
    "generate.prompt_tokens": 11, "model.source": "a/folder",
}  # fmt: skip
"""What a context of 32 tokens has room for: 1 + 11 + 20."""


@pytest.mark.parametrize(
    ("context", "changes", "line"),
    [
        (31, {}, "finetune.block_tokens: want <= 31 (the model's context), got 32"),
        (
            32,
            {"pretrain.block_tokens": 33},
            "pretrain.block_tokens: want <= 32 (the model's context), got 33",
        ),
        (
            32,
            {"generate.max_new_tokens": 21},
            "generate.max_new_tokens: want <= 20 (context 32 less start and prompt_tokens), got 21",
        ),
        (
            32,
            {"generate.prompt_tokens": 40},
            "generate.prompt_tokens: want <= 30 (context 32 less start and one new token), got 40",
        ),
    ],
)
def test_a_model_that_is_not_made_here_is_asked_for_its_context(context, changes, line):
    checked(LONGEST).check_context(32)
    with pytest.raises(ParamsError) as caught:
        checked(LONGEST | changes).check_context(context)
    assert str(caught.value) == line


# Unseen human text: 500 documents a generation, unless said otherwise

HALF_FRESH = {"regime.kind": "mix", "regime.real": "fresh", "regime.real_fraction": 0.5}
FIXED = HALF_FRESH | {"regime.real": "fixed"}


@pytest.mark.parametrize(
    ("last", "control", "changes", "least"),
    [
        (4, False, {}, 0),
        (4, True, {}, 2000),
        (4, False, {"regime.kind": "fresh"}, 2000),
        (4, False, {"regime.kind": "accumulate_subsample"}, 0),
        (4, False, HALF_FRESH, 1000),
        (4, True, HALF_FRESH, 2000),
        (3, False, HALF_FRESH | {"generate.documents": 21}, 30),  # half of 21 to the even: 10
        (4, False, FIXED, 0),
        (0, True, {}, 0),
    ],
)
def test_unseen_human_text_lasts_for_the_chain(last, control, changes, least):
    checked(changes | {"corpus.reserve": least}).check_reserve(last, control)
    if least:
        each = least // last
        with pytest.raises(ParamsError) as caught:
            checked(changes | {"corpus.reserve": least - 1}).check_reserve(last, control)
        assert str(caught.value) == (
            f"corpus.reserve: want >= {least} ({last} generations of {each} unseen human "
            f"documents), got {least - 1}; raise it, make the chain shorter, or leave the control "
            "chain out (--no-null)"
        )


def test_a_fixed_share_of_human_text_is_there():
    checked(FIXED | {"corpus.train": 250}).check_reserve(4, control=False)
    with pytest.raises(ParamsError) as caught:
        checked(FIXED | {"corpus.train": 249}).check_reserve(4, control=False)
    assert str(caught.value) == "corpus.train: want >= 250, a generation's share, got 249"
    # how much there is, is not known before the files are read
    files = {"corpus.source": "files", "corpus.train": None}
    checked(FIXED | files).check_reserve(4, control=False)


# What the sections say of themselves


@pytest.mark.parametrize("source", ["corpus", "generate", "finetune"])
def test_a_source_of_randomness_has_its_own_seed_or_follows_the_common_one(source):
    others = {"corpus", "generate", "finetune"} - {source}
    assert checked({"seed": 5}).seed_of(source) == 5
    moved = checked({"seed": 5, f"seeds.{source}": 3})
    assert moved.seed_of(source) == 3
    assert {moved.seed_of(other) for other in others} == {5}
    assert checked({"seed": 5, f"seeds.{source}": 0}).seed_of(source) == 0


def test_which_part_of_the_human_corpus_a_regime_needs():
    wanted = {
        "replace": None, "accumulate": None, "accumulate_subsample": "train", "mix": "reserve",
        "fresh": "reserve", "filtered": None,
    }  # fmt: skip
    regime = checked({}).regime
    assert {kind: regime.changed(kind=kind, real="fresh").humans for kind in wanted} == wanted
    assert regime.changed(kind="mix", real="fixed").humans == "train"
    accumulating = [kind for kind in wanted if regime.changed(kind=kind).accumulates]
    assert accumulating == ["accumulate", "accumulate_subsample"]


@pytest.mark.parametrize(
    ("strategy", "unused"),
    [
        ("sample", ["beams"]),
        ("greedy", ["temperature", "top_k", "top_p", "min_p", "beams"]),
        ("beam", ["temperature", "top_k", "top_p", "min_p"]),
    ],
)
def test_options_that_do_nothing_under_a_strategy(strategy, unused):
    neutral = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "beams": 1}
    assert checked({}).generate.changed(strategy=strategy).unused_options() == []  # as it comes
    params = checked({}).generate.changed(strategy=strategy, **neutral)
    assert params.unused_options() == []
    turned = {"temperature": 0.9, "top_k": 5, "top_p": 0.9, "min_p": 0.1, "beams": 2}
    assert params.changed(**turned).unused_options() == unused
    assert params.changed(repetition_penalty=2.0, stop_at_end=False).unused_options() == []


# Where it computes


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:11"])
def test_devices_that_can_be_meant(device):
    assert checked({"compute.device": device}).compute.device == device


@pytest.mark.parametrize("device", ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1\n", "", "mps"])
def test_other_devices_are_refused(device):
    assert (
        refusal({"compute.device": device})
        == ParamsError(
            "compute.device", wanted="auto, cpu, cuda, or cuda:0 and so on", got=repr(device)
        ).args[0]
    )


@pytest.mark.parametrize("section", ["pretrain", "generate", "finetune", "embed", "embed.encoder"])
def test_the_device_of_an_older_file_is_told_its_new_place(section):
    """Though the file lacks the new key too."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    turn(values, f"{section}.device", "auto")
    drop(values, "compute.device")
    with pytest.raises(ParamsError) as caught:
        Parameters.of(values)
    wanted = f"{section}.device: want compute.device in its place, got a key of an older version"
    assert str(caught.value) == wanted


def test_vllm_has_processes_of_its_own():
    shared = checked({"compute.processes": 4})
    assert [shared.processes_of(stage) for stage in ("generate", "finetune", "embed")] == [4] * 3
    own = checked({"compute.processes": 4, "generate.engine": "vllm"})
    assert [own.processes_of(stage) for stage in ("generate", "finetune", "embed")] == [1, 4, 4]
