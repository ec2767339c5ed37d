"""Parameters that are valid and yet must be seen: without effect here, or a fault on purpose.

A parameter counts as set where its value is neither neutral nor the one that params.yaml comes
with: nobody has asked for that one.

Known gaps: sizes of a model from scratch beside a ready one, settings of a corpus that is not the
source (but files or a data set named beside `world`), and what only the data can tell, such as
padding of prompts that happen to have one length, are not looked at.
"""

from palimpsest.core.config import Section
from palimpsest.core.named_paths import path_of
from palimpsest.core.parameters import (
    CorpusParams,
    EmbedParams,
    EncoderParams,
    ModelParams,
    RegimeParams,
    SamplingParams,
    TrainingParams,
)

COMES_WITH = {
    "corpus.files.paths": ("corpus/*.txt",),
    "corpus.hub.name": "Salesforce/wikitext",
    "regime.real_fraction": 0.1,
    "regime.real": "fresh",
    "regime.keep": 0.5,
    "regime.criterion": "likelihood",
}
"""What the tracked params.yaml says of parameters that have no neutral value."""


def option_warnings(**sections: Section) -> list[str]:
    """What must be seen of some sections of params.yaml, a sentence each.

    Args:
        **sections: by name: ``corpus``, ``model``, ``pretrain``, ``finetune``, ``generate``,
            ``regime``, ``embed``; of another there is nothing to say.
    """
    found: list[str] = []
    for name, section in sections.items():
        if isinstance(section, CorpusParams):
            found += _corpus(section)
        elif isinstance(section, ModelParams):
            found += _model(section)
        elif isinstance(section, TrainingParams):
            found += _training(section, name)
        elif isinstance(section, SamplingParams):
            found += _generate(section)
        elif isinstance(section, RegimeParams):
            found += _regime(section)
        elif isinstance(section, EmbedParams):
            found += _encoder(section.encoder)
    return found


def _idle(key: str, why: str) -> str:
    return f"{key} does nothing {why}"


def _corpus(corpus: CorpusParams) -> list[str]:
    named = {"corpus.files.paths": corpus.files.paths, "corpus.hub.name": corpus.hub.name}
    if corpus.source != "world":
        return []
    why = "while corpus.source is world"
    return [_idle(key, why) for key, value in named.items() if value != COMES_WITH[key]]


def _model(model: ModelParams) -> list[str]:
    found = []
    if model.tokenizer is not None and model.source != "scratch":
        found.append(_idle("model.tokenizer", "while model.source is not scratch"))
    local = model.source == "scratch" or path_of("model.source", model.source).exists()
    if model.revision is not None and local:
        found.append(_idle("model.revision", "while model.source is no hub id"))
    return found


def _training(params: TrainingParams, section: str) -> list[str]:
    if not params.loss_on_padding:
        return []
    key = f"{section}.loss_on_padding"
    if params.blocks == "packed":
        return [_idle(key, "with packed rows, of which only the last is filled up")]
    return [f"{key}: the model is trained on the filling of short rows too, a published fault"]


def _generate(params: SamplingParams) -> list[str]:
    found = [
        _idle(f"generate.{option}", f"under strategy {params.strategy}")
        for option in params.unused_options()
    ]
    if not (params.prompts or params.prompt_tokens):
        if not params.keep_prompt:
            found.append(_idle("generate.keep_prompt", "without prompts"))
        if params.padding != "none":
            found.append(_idle("generate.padding", "without prompts"))
    if params.prompts_from != "train" and not params.prompt_tokens:
        found.append(_idle("generate.prompts_from", "without generate.prompt_tokens"))
    if params.padding == "right" and params.prompts:
        found.append(
            "generate.padding: right has end-of-text read between a short prompt and what is "
            "written, a published fault"
        )
    return found


def _regime(regime: RegimeParams) -> list[str]:
    unused = {
        "regime.real_fraction": regime.kind != "mix" and regime.real_fraction != 0,
        "regime.real": regime.kind != "mix",
        "regime.keep": regime.kind != "filtered" and regime.keep != 1,
        "regime.criterion": regime.kind != "filtered",
    }
    return [
        _idle(key, f"under regime.kind {regime.kind}")
        for key, idle in unused.items()
        if idle and getattr(regime, key.partition(".")[2]) != COMES_WITH[key]
    ]


def _encoder(encoder: EncoderParams) -> list[str]:
    local = encoder.model == "bundled" or path_of("embed.encoder.model", encoder.model).is_dir()
    if encoder.revision is None or not local:
        return []
    return [_idle("embed.encoder.revision", "while embed.encoder.model is no hub id")]
