"""The batches of pre-training: texts, or two translations after each other, with masked words."""

import inspect
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers import BatchEncoding, DataCollatorForLanguageModeling

from hbtlib.data.pairs import ROLES, Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.plan import BatchPlan

MASKED_LM = "masked-lm"
TRANSLATION_LM = "translation-lm"

NOT_MASKED = -100
"""The label of a token that is not to be predicted, as transformers has it."""

_MASKS = 7  # tells the random numbers of the masks from those of the batches


class MaskedTexts(Dataset):
    """The batches of a plan with masked words: item t is batch t, whatever was read before.

    An item has `input_ids` and `attention_mask` (b, T), `labels` (b, T; the token that was masked,
    else −100), `masked` (how many there are in the whole batch) and, for two translations, if the
    model takes them, `position_ids` (b, T). Of several processes each gets its share of the rows.

    Args:
        plan: the batch plan. For masked-lm a pair's query and passage are two texts, in one
            language each; for translation-lm they are two translations of one text.
        steps: the number of batches.
        encoder: whose tokenizer and length count. Prompts are not read.
        model: the model that is trained.
        objective: `masked-lm` or `translation-lm`.
        masked: the share of the tokens (or of the words) that are to be predicted.
        whole_words: whether a word is masked as a whole.
        rank: the number of this process.
        processes: how many processes share the rows.
    """

    def __init__(
        self,
        plan: BatchPlan,
        steps: int,
        encoder: Encoder,
        model: torch.nn.Module,
        *,
        objective: str = MASKED_LM,
        masked: float = 0.15,
        whole_words: bool = False,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.plan = plan
        self.steps = steps
        self.tokenizer = encoder.tokenizer
        self.max_length = encoder.settings.max_length
        self.objective = objective
        self.whole_words = whole_words
        self.rank = rank
        self.processes = processes
        self.first_position = _first_position(encoder)
        self.has_positions = "position_ids" in inspect.signature(model.forward).parameters
        # With whole words transformers replaces every masked token by the mask; otherwise it is
        # BERT's 80 % mask, 10 % another token, 10 % the token itself.
        words = {"whole_word_mask": True, "mask_replace_prob": 1.0, "random_replace_prob": 0.0}
        self.collator = DataCollatorForLanguageModeling(
            self.tokenizer, mlm_probability=masked, **(words if whole_words else {})
        )

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, t: int) -> dict[str, Any]:
        tokens = self._tokenize(t)
        input_ids = tokens["input_ids"]
        special = tokens["special_tokens_mask"].bool()
        self.collator.generator = torch.Generator().manual_seed(_seed(self.plan.seed, t))
        offsets = word_offsets(tokens) if self.whole_words else None
        masked_ids, labels = self.collator.torch_mask_tokens(
            input_ids.clone(), special_tokens_mask=special, offset_mapping=offsets
        )
        if not (labels != NOT_MASKED).any():  # a few short texts, of which none was drawn
            _mask_first(masked_ids, labels, input_ids, special, self.tokenizer.mask_token_id)
        inputs = {
            "input_ids": masked_ids,
            "attention_mask": tokens["attention_mask"],
            "labels": labels,
        }
        if self.objective == TRANSLATION_LM and self.has_positions:
            inputs["position_ids"] = restarted_positions(tokens) + self.first_position
        whole = int((labels != NOT_MASKED).sum())
        return {**self._share(inputs), "masked": whole}

    def _tokenize(self, t: int) -> BatchEncoding:
        """The texts of batch t, padded."""
        batch = self.plan[t]
        pairs = self.plan.pairs[batch.source]
        assert isinstance(pairs, Pairs)
        first = pairs.texts(batch.ids, batch.query_languages, "query")
        second = pairs.texts(batch.ids, batch.passage_languages, "passage")
        texts = (first, second) if self.objective == TRANSLATION_LM else (first + second,)
        tokens: BatchEncoding = self.tokenizer(
            *texts,
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        return tokens

    def _share(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The rows of this process; a row that fills up a share is not predicted again."""
        n = len(inputs["labels"])
        each = -(-n // self.processes)  # ⌈n / processes⌉
        wanted = torch.arange(self.rank * each, (self.rank + 1) * each)
        share = {name: tensor[wanted.clamp(max=n - 1)] for name, tensor in inputs.items()}
        share["labels"] = share["labels"].masked_fill((wanted >= n)[:, None], NOT_MASKED)
        return share


def translations(pairs: Pairs) -> Pairs:
    """Makes pairs whose query and passage are the same text, in all its languages.

    A plan that crosses languages then draws two translations of a text. The texts are held in
    memory.

    Args:
        pairs: pairs with queries or passages in several languages.

    Returns:
        An id for each query, then one for each passage, of the roles that have two languages.

    Raises:
        ValueError: if neither queries nor passages are in two languages.
    """
    from datasets import Dataset as ArrowDataset
    from datasets.table import InMemoryTable

    tables = []
    for role, languages in zip(
        ROLES, (pairs.query_languages, pairs.passage_languages), strict=True
    ):
        if len(languages) < 2:
            continue
        columns = [f"{role}_{code}" for code in languages]
        texts = pairs.dataset.select_columns(columns).with_format("arrow")[:]
        tables.append(
            pa.table({f"{other}_{c}": texts[f"{role}_{c}"] for other in ROLES for c in languages})
        )
    if not tables:
        raise ValueError(
            f"pairs {pairs.name!r} have no text in two languages, which translation-lm reads: give "
            "parallel pairs, or choose masked-lm"
        )
    table = pa.concat_tables(tables, promote_options="default")
    return Pairs(f"{pairs.name}, translations", ArrowDataset(InMemoryTable(table)))


def restarted_positions(tokens: BatchEncoding) -> torch.Tensor:
    """Positions that begin again with the second of two texts, as XLM's do.

    Args:
        tokens: pairs of texts, tokenised and padded; of n.

    Returns:
        (n, T) positions from 0. The separator after the first text belongs to it.
    """
    positions = torch.arange(tokens["input_ids"].shape[1]).repeat(len(tokens["input_ids"]), 1)
    for i, row in enumerate(positions):
        sequence = tokens.sequence_ids(i)
        last_of_first = max(j for j, part in enumerate(sequence) if part == 0)
        row[last_of_first + 2 :] -= last_of_first + 2
        row[tokens["attention_mask"][i] == 0] = 0
    return positions


def word_offsets(tokens: BatchEncoding) -> NDArray[np.int64]:
    """Offsets that touch within a word and not between words, as transformers tells words apart.

    A tokenizer's own offsets touch everywhere if its tokens hold the blanks (XLM-R's do).

    Args:
        tokens: texts, tokenised and padded; of n.

    Returns:
        (n, T, 2) begin and end of each token.
    """
    offsets = np.zeros((*tokens["input_ids"].shape, 2), np.int64)
    for i in range(len(offsets)):
        end, before = 0, None
        for j, word in enumerate(tokens.word_ids(i)):
            begin = end if word is not None and word == before else end + 1
            offsets[i, j] = begin, begin + 1
            end, before = begin + 1, word
    return offsets


def _first_position(encoder: Encoder) -> int:
    """The number of the first position.

    Models that count from behind the padding id (XLM-R, CamemBERT, MPNet and others) have a row for
    it in their table of positions.
    """
    for name, module in encoder.model.named_modules():
        if name.endswith("position_embeddings"):
            padding = getattr(module, "padding_idx", None)
            return 0 if padding is None else int(padding) + 1
    return 0


def _seed(seed: int, t: int) -> int:
    """The seed of the masks of batch t."""
    return int(np.random.SeedSequence((seed, t, _MASKS)).generate_state(1)[0])


def _mask_first(
    masked_ids: torch.Tensor,
    labels: torch.Tensor,
    input_ids: torch.Tensor,
    special: torch.Tensor,
    mask: int,
) -> None:
    """Masks the first token that is not special, so that there is something to predict."""
    places = (~special).nonzero()
    if len(places):
        row, column = places[0].tolist()
        labels[row, column] = input_ids[row, column]
        masked_ids[row, column] = mask
