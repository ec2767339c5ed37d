"""Collapse measured while a tiny GPT-2 is trained with the `Trainer` of `transformers`.

Cells begin with `# %%`: VS Code, Spyder and jupytext run them one by one. As a whole, from the root
of the project (a minute on two cores; `accelerate` must be installed, as for every `Trainer`):

    python docs/examples/monitor.py
"""

# %% Human text: the synthetic encyclopedia, which needs no download
from pathlib import Path
from tempfile import mkdtemp

from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

from palimpsest.core.parameters import Parameters
from palimpsest.corpus.world.generator import World
from palimpsest.lm.tokenizer import END_OF_TEXT, train_tokenizer
from palimpsest.monitor import CollapseCallback

ROOT = Path(__file__).parents[2]
world = World(Parameters.load(ROOT / "params.yaml").corpus.world, seed=0)
texts = list(dict.fromkeys(world.documents(1000, seed=0)))
training, heldout, reference = texts[:600], texts[600:650], texts[650:]

# %% A model of your own: here one from scratch, with a tokenizer learned from the text
learned = train_tokenizer(training, 1000)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=learned.backend,
    bos_token=END_OF_TEXT,
    eos_token=END_OF_TEXT,
    pad_token=END_OF_TEXT,
)
config = GPT2Config(
    vocab_size=len(tokenizer),
    n_layer=2,
    n_head=2,
    n_embd=64,
    n_positions=128,
    bos_token_id=tokenizer.bos_token_id,
    eos_token_id=tokenizer.eos_token_id,
)
model = GPT2LMHeadModel(config)

# %% The callback: everything it needs is human text
callback = CollapseCallback(
    reference,
    heldout,
    every=20,
    samples=30,
    max_new_tokens=48,
)

# %% Training as ever; `report_to` gets the numbers under collapse/
stream = [token for ids in learned.documents(training) for token in ids]
blocks = [stream[at : at + 64] for at in range(0, len(stream) - 64, 64)]
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=mkdtemp(),
        max_steps=60,
        per_device_train_batch_size=16,
        learning_rate=3e-3,
        logging_steps=20,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
    ),
    train_dataset=[{"input_ids": block, "labels": block} for block in blocks],
    processing_class=tokenizer,
    callbacks=[callback],
)
trainer.train()

# %% What it measured: 0 is the mean of human samples, beyond ±1 is outside their band
measured = [row for row in trainer.state.log_history if "collapse/step" in row]
print(f"{'step':>4} {'perplexity':>10} {'integrity':>9} {'position':>8} {'distinct_2':>10}")
for row in measured:
    print(
        f"{row['step']:4} {row['collapse/perplexity_heldout']:10.1f} "
        f"{row['collapse/integrity']:9.3f} {row['collapse/integrity_position']:8.2f} "
        f"{row['collapse/distinct_2']:10.3f}"
    )
