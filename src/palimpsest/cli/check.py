"""`palimpsest check`: whether a chain can be computed and what it takes, before it is begun."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from palimpsest.cli.chain import runner
from palimpsest.core.activity import peak_bytes
from palimpsest.core.before_work import check_before_work, check_encoder
from palimpsest.core.compute import settle_for_stage
from palimpsest.core.disk_space import amount, need_of_a_generation
from palimpsest.core.errors import PalimpsestError, ProjectError
from palimpsest.core.formatting import duration
from palimpsest.core.kept_models import most_models
from palimpsest.core.launched import RUN_BY_DVC
from palimpsest.core.parameters import Parameters
from palimpsest.core.transitions import Transition, read_transitions

DESCRIPTION = (
    "Refuses what any stage would refuse, before the first model is trained: every section of "
    "params.yaml and what they want of each other and of chain.yaml, the number of texts, model, "
    "tokenizer, encoder, prompts, device, packages. Then says what disk, time and memory it takes: "
    "measured on generations that are done, else on a few steps of the chain's own work."
)
EPILOG = "Nothing in the project is written. Example: palimpsest check && dvc repro"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "--no-time", action="store_true", help="leave the measurement out, which trains a few steps"
    )


def run(args: argparse.Namespace) -> int:
    """Checks, measures and says what was found.

    Raises:
        PalimpsestError: of whatever kind a stage would raise.
    """
    root = Path.cwd()
    if not (root / "dvc.yaml").exists():
        hint = "change into the project's folder"
        raise ProjectError(str(root), wanted="a project with dvc.yaml", got="none", hint=hint)
    settle_for_stage([])  # before a library that computes is loaded: as the stages will
    parameters, chain = Parameters.load(root / "params.yaml"), read_transitions(root / "chain.yaml")
    sys.path.insert(0, str(root))  # where the score stage looks for metrics of one's own
    check_before_work(root / "params.yaml")
    _check_seen_by_dvc(root, chain)
    _check_readers(parameters)
    with _prepared(root) as made:
        later = [name for name in chain if name != "g00"]
        print(f"params.yaml, chain.yaml, texts, models: no fault found, g00 and {len(later)} more")
        print(_disk(root, made, parameters, chain))
        for line in _times(root, made, parameters, len(later), measure=not args.no_time):
            print(line, flush=True)
    print(f"next: {runner(parameters.models.keep_every)}")
    return 0


@dataclass(frozen=True)
class Made:
    """What `prepare` made in a temporary folder."""

    human: Path
    texts: Path
    model: Path
    seconds: float


@contextmanager
def _prepared(root: Path) -> Iterator[Made]:
    """Runs `prepare` elsewhere: whatever it would refuse is refused.

    Raises:
        PalimpsestError: what it has said.
    """
    with tempfile.TemporaryDirectory(prefix="palimpsest-") as name:
        human, texts, model = (Path(name, part) for part in ("human", "g00", "base"))
        folders = {"--human": human, "--texts": texts, "--model": model}
        words = [sys.executable, "-m", "stages.prepare"]
        words += [str(word) for pair in folders.items() for word in pair]
        environment = {key: value for key, value in os.environ.items() if key != RUN_BY_DVC}
        began = time.monotonic()
        done = subprocess.run(words, cwd=root, env=environment, capture_output=True, check=False)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if done.returncode:
            raise Refused(said[-1] if said else "prepare ended without a word")
        yield Made(human, texts, model, time.monotonic() - began)


class Refused(PalimpsestError):
    """What a stage has said already.

    Args:
        line: whole, as it would have printed it.
    """

    def __init__(self, line: str) -> None:
        line = line.removeprefix("error: ")
        super().__init__(line)
        self.args = (line,)  # its parts were cut to size over there


def _check_seen_by_dvc(root: Path, chain: Mapping[str, Transition]) -> None:
    """What params.yaml names by path is among the deps of the stages that read it."""
    from palimpsest.core.named_paths import require_dependencies

    last = max(chain, key=lambda name: chain[name]["index"])
    for file, stages in (
        ("dvc.yaml", ("prepare",)),
        (f"generations/{last}/dvc.yaml", ("generate", "embed", "score")),
    ):
        if not (root / file).exists():
            raise ProjectError(file, wanted="stages", got="no such file", hint="palimpsest chain")
        for stage in stages:
            require_dependencies(root / "params.yaml", {RUN_BY_DVC: f"{file}:{stage}"})


def _check_readers(parameters: Parameters) -> None:
    """Loads what `embed` and `score` will: the encoder, and metrics of one's own."""
    from palimpsest.embedding.encoder import Encoder
    from palimpsest.evaluation.plugins import load_plugins

    check_encoder(parameters.embed.encoder.model)
    load_plugins(parameters.score.custom)
    Encoder.load(parameters.embed.encoder, device=parameters.compute.device)


def _disk(root: Path, made: Made, parameters: Parameters, chain: Mapping[str, Transition]) -> str:
    """What the chain will fill, beside what is free."""
    import shutil

    need = need_of_a_generation(made.model, made.texts, made.human, parameters.finetune.save_dtype)
    last = max(entry["index"] for entry in chain.values())
    models = most_models(last, len({name[0] for name in chain}), parameters.models.keep_every)
    whole = need.of_chain(len(chain), models) + need.first + need.weights
    free = shutil.disk_usage(root).free
    grows = parameters.regime.kind in ("accumulate", "accumulate_subsample")
    more = "; training sets that grow are not in it" if grows else ""
    some = f", {models} models at once" if models < len(chain) else ""
    line = (
        f"disk: {amount(whole)} ({amount(need.generation)} a generation{some}), as much again in "
        f"DVC's cache, {amount(need.while_training)} while a model is trained{more}; "
        f"{amount(free)} free"
    )
    return line + (" IS TOO LITTLE" if free < 2 * whole + need.while_training else "")


def _times(
    root: Path, made: Made, parameters: Parameters, later: int, measure: bool
) -> Iterator[str]:
    """Time and memory to expect, and where the numbers come from."""
    from palimpsest.experiments.expected import in_words, of_finished
    from palimpsest.experiments.watching import watched

    if finished := of_finished(watched(root, time.time())):
        each = sum(finished.seconds.values())
        yield f"time a generation, as {finished.generations} took: {in_words(finished.seconds)}"
        yield f"time of all {later}: {duration(later * each)}, and what DVC takes between stages"
        if finished.peak_bytes:
            yield f"memory: {amount(max(finished.peak_bytes.values()))} at the most, as they had"
        return
    if not measure:
        yield "time and memory: not known before a generation is done (or without --no-time)"
        return
    began = time.monotonic()
    first, each_stage = _measured(made, parameters)
    taken = duration(time.monotonic() - began)
    yield f"time of g00, at the most, by a probe of {taken}: {in_words(first)}"
    yield f"time of a later generation, at the most: {in_words(each_stage)}"
    whole = made.seconds + sum(first.values()) + later * sum(each_stage.values())
    yield (
        f"time of all: {duration(whole)}; not in it: score, report, the start of each stage, and "
        "what DVC takes; known when g01 is done"
    )
    if (held := peak_bytes()) is not None:
        yield f"memory: {amount(held)} in the probe"


def _measured(made: Made, parameters: Parameters) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds by stage, of generation 0 and of a later one."""
    from palimpsest.core.storage import read_texts
    from palimpsest.lm import timing
    from palimpsest.lm.checkpoint import load_model_and_tokenizer

    files = {"texts": made.texts, "training": made.texts, "heldout": made.human, "null": made.human}
    parts = {name: read_texts(folder / f"{name}.jsonl") for name, folder in files.items()}
    writing = _writing(made, parameters)
    embedding, reading = _reading(made, parameters, parts)
    model, tokenizer = load_model_and_tokenizer(made.model, device=parameters.compute.device)
    trained = {
        section: timing.time_of_training(
            model, tokenizer, parts[part], getattr(parameters, section)
        )
        for section, part in (("pretrain", "training"), ("finetune", "texts"))
    }
    texts, heldout, null = reading["texts"], reading["heldout"], reading["null"]
    first = {
        "finetune": trained["pretrain"],
        "embed": embedding["texts"] + embedding["null"] + heldout + texts + null,
    }
    later = {
        "generate": writing,
        "finetune": trained["finetune"],
        "embed": embedding["texts"] + heldout + 2 * texts,  # under model 0 and under their author
    }
    return first, later


def _writing(made: Made, parameters: Parameters) -> float:
    """Seconds that a generation's documents take at the most."""
    import numpy as np

    from palimpsest.core.storage import read_human
    from palimpsest.lm.engines import load_author
    from palimpsest.lm.prompts import openings
    from palimpsest.lm.timing import time_of_writing

    author = load_author(made.model, parameters.generate, parameters.compute)
    human = zip(*read_human(made.human / "heldout.jsonl"), strict=True)
    begun = ["".join(pair) for pair in human]
    prompts = openings(parameters.generate, author.tokenizer, begun, np.random.default_rng(0))
    return time_of_writing(author, prompts, parameters.generate)


def _reading(
    made: Made, parameters: Parameters, parts: Mapping[str, list[str]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds that the encoder and a model take to read each part once."""
    from palimpsest.embedding.encoder import Encoder
    from palimpsest.lm import timing
    from palimpsest.lm.checkpoint import load_model_and_tokenizer

    embed, place = parameters.embed, parameters.compute.device
    encoder = Encoder.load(embed.encoder, device=place)
    few = [*parts["texts"], *parts["null"]][: timing.TEXTS]
    encoder.encode(few[:2])  # what the first text has to wait for
    began = time.perf_counter()
    encoder.encode(few)
    each = (time.perf_counter() - began) / len(few)
    reader, tokenizer = load_model_and_tokenizer(made.model, embed.dtype, place)
    a_token = timing.time_of_reading(reader, tokenizer, [*parts["heldout"], *parts["texts"]])
    tokens = {name: sum(map(len, tokenizer.encode(part))) for name, part in parts.items() if part}
    return (
        {name: each * len(part) for name, part in parts.items()},
        {name: a_token * tokens.get(name, 0) for name in parts},
    )
