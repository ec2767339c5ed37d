"""A minute GPT-2 in training: by `Trainer`, where accelerate is there, or by its events alone."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers.trainer_callback import CallbackHandler, DefaultFlowCallback

from palimpsest.lm.tokenizer import END_OF_TEXT, Tokenizer, train_tokenizer
from palimpsest.monitor import CollapseCallback
from tests.auditing.corpora import encode, human
from tests.lm import tiny

TEXTS = human(300, 0, words=16)
REFERENCE, HELDOUT = TEXTS[:200], TEXTS[200:240]


@cache
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, tiny.VOCABULARY)


def fast() -> Any:
    """The same tokenizer as one of `transformers`."""
    special = dict.fromkeys(("bos_token", "eos_token", "pad_token"), END_OF_TEXT)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer().backend, **special)


def model(**changes: Any) -> Any:
    """With dropout, of which evaluation must see nothing."""
    return tiny.theirs("gpt2", **changes).train()


def rows() -> list[dict[str, list[int]]]:
    documents = [ids[:40] for ids in tokenizer().documents(TEXTS) if len(ids) >= 40]
    return [{"input_ids": ids, "labels": ids} for ids in documents]


def monitor(
    reference: Sequence[str] = REFERENCE, heldout: Sequence[str] | None = HELDOUT, **options: Any
) -> CollapseCallback:
    """The callback with an encoder that takes no time."""
    small = {"every": 2, "samples": 12, "max_new_tokens": 24, "min_count": 3, "encoder": encode}
    return CollapseCallback(reference, heldout, **small | options)


class Recorder(TrainerCallback):
    """Stands where an integration of `report_to` does: before the callbacks of the user."""

    def __init__(self) -> None:
        self.logs: list[tuple[int, dict[str, float]]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self.logs.append((state.global_step, dict(logs)))


class Loop(transformers.Trainer):
    """A trainer's events and its `log` without its training, which accelerate would have to run."""

    def __init__(self, *callbacks: TrainerCallback, steps: int = 4, **settings: Any) -> None:
        self.args: Any = transformers.training_args.TrainingArguments.__new__(
            transformers.TrainingArguments
        )
        plain = {
            "logging_strategy": "steps", "logging_first_step": False, "eval_strategy": "no",
            "save_strategy": "no", "include_num_input_tokens_seen": "no", "bf16": False,
            "fp16": False, "fsdp": [], "load_best_model_at_end": False,
        }  # fmt: skip
        self.args.__dict__.update(plain | settings)
        self.model = model()
        self.state = TrainerState(max_steps=steps, epoch=0.0, logging_steps=10**6)
        self.control = TrainerControl()
        every = [DefaultFlowCallback(), *callbacks]
        self.callback_handler = CallbackHandler(every, self.model, fast(), None, None)

    def event(self, name: str) -> None:
        call = getattr(self.callback_handler, name)
        self.control = call(self.args, self.state, self.control)

    def run(self, stop_after: int | None = None) -> "Loop":
        """All events of a training; `stop_after` is a step behind which something else stops it."""
        self.event("on_train_begin")
        for _ in range(self.state.max_steps - self.state.global_step):
            self.event("on_step_begin")
            self.state.global_step += 1
            self.event("on_step_end")
            if self.state.global_step == stop_after:
                self.control.should_training_stop = True
            if self.control.should_training_stop:
                break
        self.event("on_epoch_end")
        self.event("on_train_end")
        return self

    @property
    def measured(self) -> list[dict[str, float]]:
        """The measurements in the history."""
        return [row for row in self.state.log_history if "collapse/step" in row]


def train(
    *callbacks: TrainerCallback,
    folder: Path,
    steps: int = 6,
    resume: str | None = None,
    **settings: Any,
) -> Any:
    """A training by `Trainer` itself."""
    args = transformers.TrainingArguments(
        str(folder),
        **{
            "max_steps": steps, "per_device_train_batch_size": 4, "report_to": "none",
            "save_strategy": "no", "logging_steps": 2, "use_cpu": True, "disable_tqdm": True,
            "learning_rate": 1e-3, "seed": 1,
        } | settings,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model(), args, train_dataset=rows(), processing_class=fast(), callbacks=[*callbacks]
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def weights(trained: Any) -> list[torch.Tensor]:
    return [*trained.state_dict().values()]
