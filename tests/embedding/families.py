"""Minute encoders of several families, as folders that sentence-transformers reads."""

from pathlib import Path

SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
BERT = {"vocab_size": 11, **SIZES, "intermediate_size": 32}
GPT2 = {"vocab_size": 11, "n_embd": 16, "n_layer": 1, "n_head": 2}
FAMILIES = {
    "Bert": (BERT | {"max_position_embeddings": 64}, 64),
    "Roberta": (BERT | {"max_position_embeddings": 66, "pad_token_id": 1}, 64),
    "MPNet": (BERT | {"max_position_embeddings": 70, "pad_token_id": 3}, 68),
    "GPT2": (GPT2 | {"n_positions": 48}, 48),
    "Llama": (BERT | {"max_position_embeddings": 40}, 40),
    "Bloom": ({"vocab_size": 11, "hidden_size": 16, "n_layer": 1, "n_head": 2}, 256),
}
"""Family -> (a configuration, tokens that an encoder of it can read, 256 asked for)."""
WITHOUT_SPECIAL_TOKENS = ("GPT2", "Llama", "Bloom")


def word_tokenizer(special: bool):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "is", "it", "lighthouse", "the", "built"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    return tokenizer


def encoder_folder(path: Path, family: str, extra_words: int = 0) -> Path:
    """A folder with a minute encoder: as a family's own have it, with or without special tokens."""
    import torch
    import transformers

    special = family not in WITHOUT_SPECIAL_TOKENS
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"} if special else {}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=word_tokenizer(special), unk_token="[UNK]", **names
    )
    tokenizer.add_tokens([f"new{number}" for number in range(extra_words)])
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**FAMILIES[family][0])
    getattr(transformers, f"{family}Model")(config).save_pretrained(path)
    return path
