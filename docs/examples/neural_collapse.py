# %% [markdown]
# # Neural collapse of a language model
#
# How far have a model's hidden states gathered around one point for each next token? NC1 to NC4 of
# any causal model of transformers. Here the model is a tiny one with random weights; with your own:
#
# ```
# model = AutoModelForCausalLM.from_pretrained("folder")
# tokenizer = AutoTokenizer.from_pretrained("folder")
# ```

# %%
import random

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

import palimpsest as pal

# %%
SUBJECTS = ("the tide", "a lamp", "my sister", "the road", "some rain", "the choir")
VERBS = ("returns", "waits", "fades", "turns", "answers")
TIMES = ("at dusk", "by noon", "all winter", "too late")


def clause(rng: random.Random) -> str:
    """Somebody does something some time."""
    return f"{rng.choice(TIMES)} {rng.choice(SUBJECTS)} {rng.choice(VERBS)}"


rng = random.Random(0)
texts = [f"{clause(rng)} and {clause(rng)}" for _ in range(200)]

words = ["<end>", *sorted({word for text in texts for word in text.split()})]
backend = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, "<end>"))
backend.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>")

LONGEST = 16  # tokens of a text with its ends
torch.manual_seed(0)
shape = {"n_positions": LONGEST, "n_embd": 32, "n_layer": 2, "n_head": 2}
config = GPT2Config(vocab_size=len(words), bos_token_id=0, eos_token_id=0, **shape)
model = GPT2LMHeadModel(config)

# %%
# A next token that occurs fewer than 20 times is left out: of its mean too little is known.
before = pal.neural_collapse(model, tokenizer, texts, min_count=20)
print(before)

# %%
# Some training on these texts, and the classes draw together: less spread within each beside the
# distances between them (NC1), and classifier and nearest mean agree more often (NC4).
rows = [[0, *tokenizer(text)["input_ids"], 0] for text in texts]
ids = torch.tensor([row + [0] * (LONGEST - len(row)) for row in rows])
targets = torch.tensor([row[1:] + [-100] * (LONGEST - len(row)) for row in rows])
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(60):
    scores = model(ids[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
after = pal.neural_collapse(model, tokenizer, texts, min_count=20)
for name in ("nc1_cdnv", "nc2_etf_error", "nc3_dual_error", "nc4_agreement"):
    print(f"{name:16} {before[name]:.3f} -> {after[name]:.3f}")
