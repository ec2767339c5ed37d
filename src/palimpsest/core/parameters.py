"""All of params.yaml: a class for each section, with the unit and the range of every parameter.

The whole file is checked whenever any of it is read, so that no stage starts before every section
of the chain can be meant.
"""

import re
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from palimpsest.core.compute import MOST_THREADS
from palimpsest.core.config import Number, Section, Texts, read_yaml
from palimpsest.core.disk_space import warn_of_need
from palimpsest.core.errors import ParamsError
from palimpsest.core.made_with import check_made_with

FEWEST_TEXTS = 5
"""Below this many texts no metric is computed: half of them could not even span a plane."""
FEWEST_SAMPLES = 3
"""A human pool holds at least so many samples: one to fit on, and two from which null samples are
drawn (from less, they overlap too much to tell anything)."""

DEVICE = r"^(auto|cpu|cuda(:[0-9]{1,4})?)$"
MOST_PROCESSES = 4096
MOVED = {"device": "compute.device"}
"""Keys of older sections -> where their value stands now."""

Seed = Annotated[int, Field(ge=0)]
Dtype = Literal["float32", "bfloat16"]
Share = Annotated[Number, Field(ge=0, le=1)]
Exponent = Annotated[Number, Field(ge=0, le=4)]
Randomness = Literal["corpus", "generate", "finetune"]
"""The sources of randomness that can have a seed of their own."""


class Seeds(Section):
    """A seed for a single source of randomness; null follows ``seed``."""

    corpus: Annotated[int | None, Field(ge=0)]
    """The world, the split of the documents, the first weights."""
    generate: Annotated[int | None, Field(ge=0)]
    """What is sampled."""
    finetune: Annotated[int | None, Field(ge=0)]
    """The order of the training documents."""


class WorldParams(Section):
    """The size and the shape of the synthetic encyclopedia."""

    entities: Annotated[int, Field(ge=10, le=10_000)]
    """Entities in each of the eight categories; each has five facts."""
    entity_exponent: Exponent
    """Zipf exponent of an entity's popularity within its category (0: all alike)."""
    category_exponent: Exponent
    """Zipf exponent of a category's popularity."""
    value_exponent: Exponent
    """Zipf exponent of a value's popularity within its relation."""
    phrasing_exponent: Exponent
    """Zipf exponent over the ways to say one thing."""
    sentences_least: Annotated[int, Field(ge=3, le=6)]
    """Sentences in the shortest document."""
    sentences_most: Annotated[int, Field(ge=3, le=6)]
    """Sentences in the longest document; only one with a second subject reaches 6."""
    reference_share: Share
    """Share of later sentences that call the subject "it" or "the city" and not by its name."""
    opener_share: Share
    """Share of later sentences that open with "In addition, ..." and the like."""
    second_subject_share: Share
    """Share of documents that look aside at a second entity and come back."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.sentences_most < self.sentences_least:
            self.refuse("sentences_most", f">= sentences_least ({self.sentences_least})")
        return self


class FilesParams(Section):
    """Human text in files."""

    paths: Texts
    """Files or globs (``**`` too), relative to the working directory; read in this order, a
    glob's files by name; .txt (or .raw, .tokens, .md), .jsonl, .ndjson, .json, .csv, .tsv,
    .parquet, .arrow, .feather, each also .gz or .zst, and folders of `save_to_disk`."""
    text_field: str
    """Field or column of the text, or a path such as ``data.text``; plain text and bare strings
    have none."""
    txt_unit: Literal["paragraph", "line"]
    """What a document is in a .txt file: a paragraph (blank lines between) or a line."""
    min_chars: Annotated[int, Field(ge=1)]
    """Shorter documents are left out; characters, at least 1."""
    max_chars: Annotated[int | None, Field(ge=1)]
    """Longer documents are left out; characters, null for no limit."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.paths:
            self.refuse("paths", "at least one file or glob")
        _check_lengths(self)
        return self


class HubParams(Section):
    """Human text from the Hugging Face hub."""

    name: str
    """The dataset's id, for example ``Salesforce/wikitext``."""
    config: str | None
    """Its configuration, for example ``wikitext-2-raw-v1``; null for the only one."""
    split: str
    """Its split, or a slice of it: ``train``, ``train[:10000]``."""
    revision: str | None
    """A commit hash, for the same text next year; null for the newest."""
    text_field: str
    """The column of the text."""
    min_chars: Annotated[int, Field(ge=1)]
    """Shorter documents are left out; characters, at least 1."""
    max_chars: Annotated[int | None, Field(ge=1)]
    """Longer documents are left out; characters, null for no limit."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_lengths(self)
        return self


class CorpusParams(Section):
    """Which human text, and how much of it for what."""

    source: Literal["world", "files", "hub"]
    """``world``: the synthetic encyclopedia; ``files``: your own; ``hub``: a named dataset."""
    train: Annotated[int | None, Field(ge=1)]
    """Documents that generation 0 is trained on; null takes what the other parts leave."""
    heldout: Annotated[int, Field(ge=FEWEST_TEXTS)]
    """Documents on which every model's likelihood is measured."""
    null_pool: Annotated[int, Field(ge=0)]
    """Documents that generations are held against: a fit sample of ``generate.documents``, and the
    null samples. At least three times ``generate.documents``; ``score.null_samples`` + 1 times as
    many for samples without a common text. 0: no integrity and no null band, all else is fitted on
    generation 0."""
    reserve: Annotated[int, Field(ge=0)]
    """Documents kept for regimes that train on human text again."""
    join_chars: Annotated[int | None, Field(ge=1)]
    """``files``, ``hub``: texts that follow each other are joined, a line each, to documents of at
    least so many characters, as protocols want them that cut a corpus into blocks; null: a text is
    a document. ``min_chars`` and ``max_chars`` choose among the texts before they are joined."""
    world: WorldParams
    files: FilesParams
    hub: HubParams

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.source == "world" and self.train is None:
            self.refuse("train", "a number where corpus.source is world")
        if self.source == "world" and self.join_chars is not None:
            self.refuse("join_chars", "null where corpus.source is world")
        return self


class ModelParams(Section):
    """Where the first model comes from."""

    source: str
    """``scratch``, a folder, a GGUF file, or a hub id."""
    revision: str | None
    """A hub id's commit hash, for the same weights next year; null for the newest."""
    start_token: str | None
    """The special token that every document begins with; null for the tokenizer's own. Instruction
    models name the marks of a conversation."""
    end_token: str | None
    """The special token that ends a document; null for the tokenizer's own."""
    tokenizer: str | None
    """Folder of a ready tokenizer for ``scratch``; null trains one on the human text."""
    vocabulary: Annotated[int, Field(ge=257)]
    """Size of the tokenizer that is trained for ``scratch``, in token types."""
    layers: Annotated[int, Field(ge=1)]
    """Layers of the ``scratch`` model."""
    heads: Annotated[int, Field(ge=1)]
    """Attention heads a layer of the ``scratch`` model."""
    width: Annotated[int, Field(ge=1)]
    """Width of the ``scratch`` model's hidden states."""
    context: Annotated[int, Field(ge=8)]
    """Longest sequence of the ``scratch`` model, in tokens."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.width % self.heads:
            self.refuse("width", f"a multiple of heads ({self.heads})")
        return self


class TrainingParams(Section):
    """How a model is trained on a training set: sections ``pretrain`` and ``finetune``."""

    moved: ClassVar[Mapping[str, str]] = MOVED

    init: Literal["previous", "base"]
    """Weights to start from: the previous generation's, or the first model's every time."""
    blocks: Literal["padded", "packed"]
    """``padded``: a document a row; ``packed``: documents end to end, cut into equal rows."""
    block_tokens: Annotated[int, Field(ge=2)]
    """Longest row, in tokens; longer documents go on in further rows."""
    skip_tokens: Annotated[int, Field(ge=0)]
    """First tokens of each row that have no loss, for example a human prompt; 0: none."""
    loss_on_padding: bool
    """Fault of a published protocol: short rows are filled to ``block_tokens`` with end-of-text,
    and the model learns that too."""
    batch_size: Annotated[int, Field(ge=1)]
    """Rows a step."""
    epochs: Annotated[Number | None, Field(gt=0)]
    """Passes over the training set; null if ``steps`` is given."""
    steps: Annotated[int | None, Field(ge=1)]
    """Optimiser steps; null if ``epochs`` is given."""
    learning_rate: Annotated[Number, Field(gt=0)]
    """Peak learning rate of AdamW (Loshchilov & Hutter 2019)."""
    schedule: Literal["constant", "linear", "cosine"]
    """How the learning rate falls after the warm-up."""
    warmup: Share
    """Share of the steps over which the learning rate rises from 0."""
    final: Share
    """Learning rate of the last step as a share of the peak (not for ``constant``)."""
    beta1: Annotated[Number, Field(ge=0, lt=1)]
    """AdamW's decay of the gradient's mean."""
    beta2: Annotated[Number, Field(ge=0, lt=1)]
    """AdamW's decay of the squared gradient's mean."""
    weight_decay: Annotated[Number, Field(ge=0)]
    """AdamW's weight decay, on matrices only."""
    clip_norm: Annotated[Number | None, Field(gt=0)]
    """Largest norm of the gradient; null does not clip."""
    dtype: Dtype
    """Type of forward and backward passes; the optimiser's weights are float32."""
    save_dtype: Dtype
    """Type of the weights that are handed on, rounded to it when training ends: bfloat16 takes half
    the room."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            self.refuse("steps", "either epochs or steps, the other null")
        if self.skip_tokens > self.block_tokens - 2:
            self.refuse("skip_tokens", f"at most block_tokens - 2 ({self.block_tokens - 2})")
        return self


class SamplingParams(Section):
    """How a generation's texts are generated: section ``generate``."""

    moved: ClassVar[Mapping[str, str]] = MOVED

    documents: Annotated[int, Field(ge=FEWEST_TEXTS)]
    """Number of documents that each generation writes."""
    max_new_tokens: Annotated[int, Field(ge=1)]
    """Longest document, in tokens after the prompt."""
    strategy: Literal["sample", "greedy", "beam"]
    """``sample`` draws, ``greedy`` takes the likeliest token, ``beam`` the likeliest sequence."""
    temperature: Annotated[Number, Field(gt=0)]
    """Divides the scores before drawing; 1 leaves the model's distribution (``sample`` only)."""
    top_k: Annotated[int, Field(ge=0)]
    """Draw from the k likeliest tokens; 0 draws from all (``sample`` only)."""
    top_p: Annotated[Number, Field(gt=0, le=1)]
    """Draw from the likeliest tokens that hold this share of probability (``sample`` only)."""
    min_p: Share
    """Draw from tokens at least this likely relative to the likeliest (``sample`` only)."""
    repetition_penalty: Annotated[Number, Field(gt=0)]
    """Scores of tokens that the row holds already are divided (if positive) or multiplied by it."""
    beams: Annotated[int, Field(ge=1)]
    """Number of sequences kept in parallel (``beam`` only); 1 is ``greedy``."""
    stop_at_end: bool
    """End a document at the end-of-text token; otherwise it is never written."""
    prompts: Texts
    """Texts to continue, in turn; an empty list starts from nothing."""
    prompt_tokens: Annotated[int, Field(ge=0)]
    """Continue the first k tokens of human documents; 0 does not."""
    prompts_from: Literal["train", "heldout"]
    """Which documents ``prompt_tokens`` takes: those that generation 0 is trained on, or held-out
    ones, whose likelihood is then measured behind these tokens: later models are trained on them
    where ``keep_prompt`` says so."""
    keep_prompt: bool
    """The prompt is part of the text that is handed on."""
    padding: Literal["none", "left", "right"]
    """``none`` batches prompts of one length, ``left`` pads shorter ones, ``right`` (a published
    fault) fills them up behind with end-of-text that is read as text."""
    batch_size: Annotated[int, Field(ge=1)]
    """Documents written side by side."""
    dtype: Dtype
    """Type that the model computes in."""
    engine: Literal["native", "vllm"]
    """What writes: this project's own loop, or vLLM on a GPU (`palimpsest.lm.vllm_engine`), which
    draws from the same distribution with random numbers of its own."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.prompts and self.prompt_tokens:
            self.refuse("prompt_tokens", "0 where generate.prompts lists prompts")
        if self.engine == "vllm":
            self._check_vllm()
        return self

    def _check_vllm(self) -> None:
        """Refuses what vLLM does not do, or does otherwise."""
        where = "where generate.engine is vllm"
        if self.strategy == "beam":
            self.refuse("strategy", f"sample or greedy {where}")
        if self.repetition_penalty != 1:
            self.refuse("repetition_penalty", f"1 {where}, which would punish the start token too")
        if self.padding == "right":
            self.refuse("padding", f"none or left {where}")
        if self.min_p > 0 and self.top_p < 1:
            self.refuse("min_p", f"0 beside top_p {where}, which takes them in another order")

    def unused_options(self) -> list[str]:
        """The parameters that are set and do nothing under this strategy.

        A temperature of 0.95 is what params.yaml comes with: nobody has set it.
        """
        neutral = {"temperature": (1, 0.95), "top_k": (0,), "top_p": (1,), "min_p": (0,),
                   "beams": (1,)}  # fmt: skip
        unused = {
            "sample": ("beams",),
            "greedy": tuple(neutral),
            "beam": ("temperature", "top_k", "top_p", "min_p"),
        }
        return [name for name in unused[self.strategy] if getattr(self, name) not in neutral[name]]


class RegimeParams(Section):
    """What a generation is trained on."""

    kind: Literal["replace", "accumulate", "accumulate_subsample", "mix", "fresh", "filtered"]
    """``replace``: the generation's own text; ``accumulate``: the human corpus and everything
    written since; ``accumulate_subsample``: the same, drawn down to the size of the human corpus;
    ``mix``: own text, a share of it replaced by human text; ``fresh``: human text that no
    generation has seen; ``filtered``: the part of the own text that a criterion likes best."""
    match_tokens: bool
    """Whether every generation is trained on as many tokens as under ``replace``, whatever the
    size of its training set."""
    real_fraction: Share
    """``mix``: share of human documents, 0 to 1."""
    real: Literal["fresh", "fixed"]
    """``mix``: human documents that no generation has seen, or the same ones every time."""
    keep: Annotated[Number, Field(gt=0, le=1)]
    """``filtered``: share of the documents that is kept."""
    criterion: Literal["likelihood", "deduplication", "nearest_human", "truth"]
    """``filtered``: how the kept documents are chosen (`palimpsest.corpus.filters`)."""

    @property
    def accumulates(self) -> bool:
        """Whether the texts of earlier generations are trained on again."""
        return self.kind in ("accumulate", "accumulate_subsample")

    @property
    def humans(self) -> Literal["train", "reserve"] | None:
        """The part of the human corpus that is trained on again, if any."""
        if self.kind == "fresh":
            return "reserve"
        if self.kind == "mix":
            return "reserve" if self.real == "fresh" else "train"
        return "train" if self.kind == "accumulate_subsample" else None


class WitnessParams(Section):
    """The prompts that every generation continues, for the eye."""

    prompts: Texts
    """Texts to continue, each from a random stream of its own; an empty list asks nothing."""


class EncoderParams(Section):
    """Which sentence encoder reads the texts, and how."""

    moved: ClassVar[Mapping[str, str]] = MOVED

    model: str
    """``bundled`` (all-MiniLM-L6-v2, 384 dimensions, no network), a folder, or a hub id."""
    revision: str | None
    """A hub id's commit hash, for the same encoder next year; null for the newest."""
    dtype: Dtype
    """Precision of the layers; bfloat16 is twice as fast on a CPU that has it."""
    batch_size: Annotated[int, Field(ge=1, le=4096)]
    """Most texts in one forward pass, 1 to 4096."""
    max_tokens: Annotated[int, Field(ge=3, le=32768)]
    """Tokens read of a text, the rest is cut; at least 3, at most the encoder's own limit."""


class EmbedParams(Section):
    """How texts are read by the encoder and by the models."""

    moved: ClassVar[Mapping[str, str]] = MOVED

    dtype: Dtype
    """Type that likelihoods are computed in."""
    min_count: Annotated[int, Field(ge=1)]
    """Occurrences in the held-out text from which on a next token counts as a class."""
    encoder: EncoderParams


class ScoreParams(Section):
    """How a generation is measured."""

    lam: Annotated[Number, Field(ge=0)]
    """Weight of the squared drift in the Ainex score; the published work never states it."""
    words: Annotated[int, Field(ge=100)]
    """Words that lexical metrics are measured on, so that no number depends on length."""
    half_samples: Annotated[int, Field(ge=0)]
    """Half-samples of the jackknife; 0 gives no intervals."""
    null_samples: Annotated[int, Field(ge=2)]
    """Human samples behind the null band."""
    custom: Texts
    """Metrics of your own, ``module:function`` each (docs/custom_metrics.md)."""


class ReportParams(Section):
    """How the chain is summed up."""

    threshold: Annotated[Number, Field(gt=0, lt=1)]
    """Integrity that the forecast waits for."""


class ComputeParams(Section):
    """How and where the machine computes; see `palimpsest.core.compute`.

    Types are not here: each stage's section has its ``dtype``, which belongs to the experiment.
    """

    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)]
    """Of torch, OpenMP and MKL, in each process: another number is another order of sums, and
    other last bits."""
    portable: bool
    """The same bits on every x86-64 processor, at about half the speed."""
    device: Annotated[str, Field(json_schema_extra={"pattern": DEVICE})]
    """Where models and encoder compute: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, or
    one of several GPUs by its number, ``cuda:1``."""
    processes: Annotated[int, Field(ge=1, le=MOST_PROCESSES)]
    """Processes that share the work of generate, finetune and embed, one a GPU where they compute
    on GPUs (`palimpsest.lm.processes`); with ``generate.engine: vllm`` also the GPUs that the model
    is spread over."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not re.fullmatch(DEVICE, self.device):
            self.refuse("device", "auto, cpu, cuda, or cuda:0 and so on")
        if ":" in self.device and self.processes > 1:
            self.refuse("device", "auto, cpu or cuda where compute.processes is above 1")
        return self


class ModelsParams(Section):
    """Which generations' models stay on the disk. It belongs to no stage: it moves no number."""

    keep_every: Annotated[int, Field(ge=1)]
    """Weights of every so many generations stay, and those of generation 0 and of the last one; the
    others go when all that reads them has run, and can be made again from the kept ones
    (`palimpsest run`, `prune`, `restore`). 1 keeps all."""


class Parameters(Section):
    """The whole of params.yaml."""

    seed: Seed
    """Moves everything random that has no seed of its own in ``seeds``."""
    seeds: Seeds
    corpus: CorpusParams
    model: ModelParams
    pretrain: TrainingParams
    generate: SamplingParams
    regime: RegimeParams
    witness: WitnessParams
    finetune: TrainingParams
    embed: EmbedParams
    score: ScoreParams
    report: ReportParams
    models: ModelsParams
    compute: ComputeParams

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads and checks a params.yaml.

        Raises:
            ParamsError: no such file, no YAML, or see `Section.of`.
        """
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise ParamsError(str(path), wanted="sections with keys", got=repr(content))
        return cls.of(content)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """What sections want of each other."""
        documents, pool = self.generate.documents, self.corpus.null_pool
        if 0 < pool < FEWEST_SAMPLES * documents:
            least = FEWEST_SAMPLES * documents
            self.refuse(
                "corpus.null_pool", f"0 or >= {least} ({FEWEST_SAMPLES} generate.documents)"
            )
        needs_facts = self.regime.kind == "filtered" and self.regime.criterion == "truth"
        if needs_facts and self.corpus.source != "world":
            self.refuse("regime.criterion", "another one where corpus.source is not world")
        if self.generate.engine == "vllm" and self.compute.device not in ("auto", "cuda"):
            self.refuse("compute.device", "auto or cuda where generate.engine is vllm")
        for key in ("generate.documents", "pretrain.batch_size", "finetune.batch_size"):
            count = attrgetter(key)(self)
            if self.compute.processes > count:
                self.refuse("compute.processes", f"<= {count} ({key}: each has a share of them)")
        if self.model.source == "scratch":
            for field, wanted in self._beyond(self.model.context):
                self.refuse(field, wanted)
        return self

    def check_room(self, model: Path, texts: Path, human: Path) -> None:
        """Logs what a generation will need of the disk, see `palimpsest.core.disk_space`."""
        warn_of_need(model, texts, human, self.finetune.save_dtype)

    def check_unedited(self, path: Path, *keys: str) -> None:
        """Makes sure that params.yaml still says what a stage began with.

        DVC notes the parameters of a stage when it ends: after an edit meanwhile they would be
        others than those that its outputs were made with.

        Args:
            path: of params.yaml.
            keys: dotted, of what the stage has read.

        Raises:
            ParamsError: one of them, or how to compute, has changed; or the file is no params.yaml
                any more.
        """
        now = self.load(path)
        for key in (*keys, "compute"):
            if attrgetter(key)(now) != attrgetter(key)(self):
                raise ParamsError(
                    f"{path}: {key}",
                    wanted="the values that this stage began with",
                    got="others (it was edited meanwhile)",
                    hint="nothing was kept; dvc repro",
                )

    def check_made_with(self, provenances: Mapping[str, Mapping[str, Any]]) -> None:
        """Makes sure that all generations of a chain were made with these parameters.

        Args:
            provenances: of the generations' scores, by name.

        Raises:
            ParamsError: see `palimpsest.core.made_with`.
        """
        corpus = self.seed_of("corpus")
        seeds = {"embeddings": corpus, "scores": corpus}
        seeds |= {"texts": self.seed_of("generate"), "model": self.seed_of("finetune")}
        check_made_with(provenances, self.as_dict(), seeds)

    def check_context(self, context: int) -> None:
        """Makes sure that a model can read what the chain asks of it.

        Args:
            context: its longest sequence, in tokens.

        Raises:
            ParamsError: rows of training or documents would be longer.
        """
        for field, wanted in self._beyond(context):
            raise ParamsError(field, wanted=wanted, got=attrgetter(field)(self))

    def _beyond(self, context: int) -> list[tuple[str, str]]:
        """The parameters that a context is too short for, and what they may be."""
        room = context - 1 - self.generate.prompt_tokens
        most = {
            "pretrain.block_tokens": (context, "the model's context"),
            "finetune.block_tokens": (context, "the model's context"),
            "generate.prompt_tokens": (
                context - 2,
                f"context {context} less start and one new token",
            ),
            "generate.max_new_tokens": (room, f"context {context} less start and prompt_tokens"),
        }
        return [
            (field, f"<= {limit} ({why})")
            for field, (limit, why) in most.items()
            if attrgetter(field)(self) > limit
        ]

    def check_reserve(self, last: int, control: bool) -> None:
        """Makes sure that unseen human text lasts for a chain.

        Args:
            last: number of the last generation.
            control: with the control chain, which is trained on unseen human text alone.

        Raises:
            ParamsError: it does not, or a fixed share of human documents is more than there are.
        """
        regime, written = self.regime, self.generate.documents
        share = round(regime.real_fraction * written)
        each = written if control or regime.kind == "fresh" else 0
        if regime.kind == "mix" and regime.real == "fresh":
            each = max(each, share)
        if self.corpus.reserve < last * each:
            raise ParamsError(
                "corpus.reserve",
                wanted=f">= {last * each} ({last} generations of {each} unseen human documents)",
                got=self.corpus.reserve,
                hint="raise it, make the chain shorter, or leave the control chain out (--no-null)",
            )
        train = self.corpus.train
        if regime.kind == "mix" and regime.real == "fixed" and train is not None and share > train:
            raise ParamsError("corpus.train", wanted=f">= {share}, a generation's share", got=train)

    def processes_of(self, stage: str) -> int:
        """How many processes share a stage's work; vLLM starts processes of its own."""
        own = stage == "generate" and self.generate.engine == "vllm"
        return 1 if own else self.compute.processes

    def seed_of(self, source: Randomness) -> int:
        """The seed of one source of randomness: its own, else ``seed``."""
        own: int | None = getattr(self.seeds, source)
        return self.seed if own is None else own


def _check_lengths(params: FilesParams | HubParams) -> None:
    if params.max_chars is not None and params.max_chars < params.min_chars:
        params.refuse("max_chars", f">= min_chars ({params.min_chars})")
