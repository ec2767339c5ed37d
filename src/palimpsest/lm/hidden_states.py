"""Final hidden states of a model that reads texts, without scores over the vocabulary."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.lm.likelihood import batches
from palimpsest.lm.model import LanguageModel
from palimpsest.lm.tokens import Tokens
from palimpsest.lm.training import IGNORED, collate, make_rows


@torch.inference_mode()
def visit_hidden(
    model: LanguageModel, tokens: Tokens, texts: Sequence[str], visitor: Callable[[Tensor], None]
) -> None:
    """Shows the hidden states before every token of the texts, in the batches of `likelihood`.

    Args:
        model: the reader.
        tokens: its tokenizer.
        texts: n texts, which may be empty (then the end token alone is predicted).
        visitor: called with (N, d) float32 for every batch.
    """
    rows = make_rows(tokens.documents(texts), model.context, "padded")
    for batch in batches(rows, model.device):
        ids_BT, targets_BT = collate([rows[i] for i in batch], tokens.end, model.device)
        places = (targets_BT != IGNORED).flatten().nonzero().squeeze(1)
        visitor(model.hidden(ids_BT).flatten(0, 1).index_select(0, places).float())


@torch.inference_mode()
def last_states(model: LanguageModel, tokens: Tokens, texts: Sequence[str]) -> NDArray[np.float32]:
    """The hidden state at the last token of each text.

    Args:
        model: the reader, which sees the start token and the text.
        tokens: its tokenizer.
        texts: n texts; of one longer than the context, the last tokens are read.

    Returns:
        (n, d); the state at the start token for an empty text.
    """
    # collate drops the last id of a row: with an end token behind it, all of the text is read
    read = [[tokens.start, *ids][-model.context :] for ids in tokens.encode(texts)]
    rows = [[*ids, tokens.end] for ids in read]
    states = np.zeros((len(rows), model.output_rows().shape[1]), dtype=np.float32)
    for batch in batches(rows, model.device):
        ids_BT, _ = collate([rows[i] for i in batch], tokens.end, model.device)
        last_B = torch.tensor([len(rows[i]) - 2 for i in batch], device=model.device)
        hidden_BTd = model.hidden(ids_BT)
        at = torch.arange(len(batch), device=model.device)
        states[batch] = hidden_BTd[at, last_B].float().cpu().numpy()
    return states
