"""XNLI (Conneau et al. 2018, arXiv 1809.05053): premises and what follows from them, as pairs.

Each of 2,500 premises has three hypotheses, one that follows from it (entailment), one that may be
true (neutral) and one that contradicts it, all of them in 15 languages: a fully parallel training
set with hard negatives, as SimCSE uses them (Gao et al. 2021, section 4).

A query is a premise, and its passage the hypothesis that follows from it. In this direction the
other two hypotheses of the premise are passages that do not follow: they are the id's two hard
negatives (`negatives_LANG`: neutral, contradiction). `query="hypothesis"` turns the pairs round, as
a `pairs.jsonl` of XNLI has them; then the other hypotheses would be queries, and there are no hard
negatives.

The files are `labelled.jsonl` (a line for each hypothesis: id, split, label, `question` and
`passage` as maps language → hypothesis and premise) or XNLI 1.0's own `xnli.dev.tsv` and
`xnli.test.tsv`. The licence is CC BY-NC 4.0. XNLI's training set (MNLI, machine translated) is not
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hbtlib.checks import check_choice
from hbtlib.data.formats.checks import DataError, clean, expect, field, short, text, unique
from hbtlib.data.formats.files import Record, read_jsonl
from hbtlib.data.formats.pairs_file import ParallelTexts, held_out
from hbtlib.data.formats.parallel import in_languages, named_columns
from hbtlib.data.formats.source import local_folder
from hbtlib.data.pairs import Pairs, Texts

FOLDERS = ("xnli15", "xnli")
LANGUAGES = (
    "ar",
    "bg",
    "de",
    "el",
    "en",
    "es",
    "fr",
    "hi",
    "ru",
    "sw",
    "th",
    "tr",
    "ur",
    "vi",
    "zh",
)
LABELS = ("entailment", "neutral", "contradiction")
SPLITS = ("train", "validation", "dev", "test")
ARCHIVE = "https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip"
INCOMPLETE = "premises that lack a hypothesis of some label or language"


class Hypothesis(NamedTuple):
    """A hypothesis with its premise, in all languages, and what the premise says of it."""

    id: str
    split: str
    label: str
    hypothesis: Texts
    premise: Texts


class Premise(NamedTuple):
    """A premise with its hypotheses by label."""

    split: str
    texts: Texts
    hypotheses: dict[str, Hypothesis]


def load_pairs(
    data: str | Path | None = None,
    *,
    split: str = "train",
    languages: Sequence[str] | None = None,
    query: str = "premise",
    hard_negatives: bool = True,
) -> Pairs:
    """Loads XNLI as pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`.
        split: "dev" (830 premises) or "test" (1,670) as XNLI has them; or "train" and "validation"
            of both together: one premise in twenty is held out.
        languages: the languages; None takes all 15.
        query: "premise", or "hypothesis" for pairs the other way round, without hard negatives.
        hard_negatives: whether ids bring the neutral and the contradicting hypothesis.

    Raises:
        DataError: for another split, a language it lacks, and a file that is missing or not what
            it should be.
        ValueError: for another `query`.
    """
    check_choice("xnli: query", query, ("premise", "hypothesis"))
    if split not in SPLITS:
        raise DataError(f"xnli has no split {split!r}; it has {', '.join(SPLITS)}")
    folder = _folder(data)
    found = _premises(folder)
    complete = _complete(found)
    chosen = _of_split(complete, split, folder)
    texts, rows = in_languages("xnli", _entailed(chosen), languages, LANGUAGES)
    negatives: dict[str, list[list[str]]] = {}
    if query == "premise":
        if hard_negatives:
            negatives = _negatives([chosen[row] for row in rows], texts)
        texts = ParallelTexts(texts.ids, texts.passages, texts.questions)
    pairs = Pairs.from_texts("xnli", texts.questions, texts.passages, id=texts.ids, **negatives)
    if len(complete) < len(found):
        pairs.left_out = {INCOMPLETE: len(found) - len(complete)}
    return pairs


def _complete(premises: Sequence[Premise]) -> list[Premise]:
    """The premises with a hypothesis of each label, in every language that any of them has."""
    languages = {code for premise in premises for code in premise.texts}
    return [
        premise
        for premise in premises
        if len(premise.hypotheses) == len(LABELS)
        and all(found.hypothesis.keys() == languages for found in premise.hypotheses.values())
    ]


def _entailed(premises: Sequence[Premise]) -> ParallelTexts:
    """The hypotheses that follow, as questions, and their premises, as passages."""
    entailed = [premise.hypotheses["entailment"] for premise in premises]
    return ParallelTexts(
        [hypothesis.id for hypothesis in entailed],
        [hypothesis.hypothesis for hypothesis in entailed],
        [hypothesis.premise for hypothesis in entailed],
    )


def _negatives(premises: Sequence[Premise], texts: ParallelTexts) -> dict[str, list[list[str]]]:
    """The columns `negatives_LANG`: for each premise its neutral and contradicting hypothesis."""
    languages = sorted({code for forms in texts.questions for code in forms})
    return {
        f"negatives_{code}": [
            [premise.hypotheses[label].hypothesis[code] for label in LABELS[1:]]
            for premise in premises
        ]
        for code in languages
    }


def _of_split(premises: Sequence[Premise], split: str, folder: Path) -> list[Premise]:
    """The premises of XNLI's own dev or test, or of both, with or without those held out."""
    if split in ("dev", "test"):
        chosen = [premise for premise in premises if premise.split == split]
    else:
        is_held_out = held_out(_entailed(premises))
        chosen = [
            premise
            for premise, is_out in zip(premises, is_held_out, strict=True)
            if is_out == (split == "validation")
        ]
    if not chosen:
        raise DataError(
            f"xnli: {folder} has no premise of the split {split!r} with all its hypotheses; give "
            "data= the folder with both dev and test"
        )
    return chosen


def _folder(data: str | Path | None) -> Path:
    folder = local_folder("xnli", data, FOLDERS)
    if folder is None:
        raise DataError(
            f"xnli is published as an archive: unpack {ARCHIVE} and give data= the folder with "
            "xnli.dev.tsv and xnli.test.tsv"
        )
    return folder


def _premises(folder: Path) -> list[Premise]:
    """The premises with their hypotheses, in the order of the files."""
    if (folder / "labelled.jsonl").is_file():
        hypotheses = _read_labelled(folder / "labelled.jsonl")
    else:
        files = [file for file in _own_files(folder) if file[1].is_file()]
        if not files:
            raise DataError(
                f"xnli: {folder} has no labelled.jsonl, xnli.dev.tsv or xnli.test.tsv; give data= "
                "the folder that has them"
            )
        hypotheses = (found for split, file in files for found in _read_own(split, file))
    premises: dict[tuple[str, frozenset[tuple[str, str]]], Premise] = {}
    for found in hypotheses:
        key = (found.split, frozenset(found.premise.items()))
        premise = premises.setdefault(key, Premise(found.split, found.premise, {}))
        premise.hypotheses.setdefault(found.label, found)
    return list(premises.values())


def _own_files(folder: Path) -> list[tuple[str, Path]]:
    return [(split, folder / f"xnli.{split}.tsv") for split in ("dev", "test")]


def _read_labelled(file: Path) -> Iterator[Hypothesis]:
    """The lines of `labelled.jsonl`."""
    seen: dict[str, str] = {}
    for place, record in read_jsonl(file):
        id_ = text(record, "id", place)
        unique(seen, id_, place, "the id")
        yield Hypothesis(
            id_,
            text(record, "split", place),
            _label(text(record, "label", place), place),
            _texts(record, "question", place),
            _texts(record, "passage", place),
        )
    if not seen:
        raise DataError(f"{file}: it has no line; download it again")


def _texts(record: Record, name: str, place: str) -> Texts:
    """A field that maps every language to a text."""
    forms = field(record, name, dict, place)
    return {code: _text_in(forms, code, f"{place}, {name}") for code in LANGUAGES if code in forms}


def _text_in(forms: Record, code: str, place: str) -> str:
    place = f"{place}, {code}"
    return clean(expect(forms[code], str, place, "the text"), place, "the text")


def _read_own(split: str, file: Path) -> Iterator[Hypothesis]:
    """The hypotheses of XNLI's own file, which has a line for each language of each."""
    columns = ("language", "gold_label", "sentence1", "sentence2", "pairID")
    found: dict[str, Hypothesis] = {}
    seen: dict[tuple[str, str], str] = {}
    for place, row in named_columns(file, columns):
        code = row["language"]
        if code not in LANGUAGES:
            raise DataError(f"{place}: XNLI has no language {code!r}; download the file again")
        unique(seen, (row["pairID"], code), place, "the pairID with its language")
        id_ = f"xnli:{split}:{row['pairID']}"
        label = _label(row["gold_label"], place)
        pair = found.setdefault(id_, Hypothesis(id_, split, label, {}, {}))
        pair.premise[code] = clean(row["sentence1"], place, "the column 'sentence1'")
        pair.hypothesis[code] = clean(row["sentence2"], place, "the column 'sentence2'")
    if not found:
        raise DataError(f"{file}: it has no line; download it again")
    yield from found.values()


def _label(label: str, place: str) -> str:
    if label not in LABELS:
        raise DataError(f"{place}: the label is {short(label)}; it is {', '.join(LABELS)}")
    return label
