"""AfriQA (Ogundepo et al. 2023, arXiv 2305.06897): questions of nine African languages.

A question is asked in Bemba, Fon, Hausa, Igbo, Kinyarwanda, Swahili, Twi, Yorùbá or Zulu, and was
translated into the pivot language by a person. The gold passage is of Wikipedia in the pivot
language: French for Fon, English for the others. So nothing is relevant in the question's own
language, and training pairs must cross languages (strategies `x-y`). There are 7,054 questions with
gold passages in three splits; Swahili has a test split alone, and Yorùbá no dev:

| | bem | fon | ha | ig | rw | sw | tw | yo | zu |
|---|---|---|---|---|---|---|---|---|---|
| train | 228 | 282 | 223 | 305 | 214 | | 351 | 247 | 242 |
| dev | 235 | 271 | 222 | 307 | 230 | | 348 | | 242 |
| test | 308 | 386 | 300 | 409 | 345 | 295 | 486 | 253 | 325 |

The files are AfriQA's own (`gold_span_passages.afriqa.LANG.PIVOT.SPLIT.json`, a question a line, in
a folder or in one for each language) or a `pairs.jsonl` with the field `split`. The licence is
CC BY 4.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError, identifier, text
from hbtlib.data.formats.files import read_jsonl
from hbtlib.data.formats.pairs_file import ParallelTexts
from hbtlib.data.formats.parallel import in_languages, parallel_benchmark, read_split_pairs
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.formats.squad import number_repeated
from hbtlib.data.formats.web import Web
from hbtlib.data.given import is_empty
from hbtlib.data.pairs import Pairs, Texts

FOLDERS = ("afriqa",)
CODES = {
    "bem": "bem",
    "fon": "fon",
    "ha": "hau",
    "ig": "ibo",
    "rw": "kin",
    "sw": "swa",
    "tw": "twi",
    "yo": "yor",
    "zu": "zul",
}
"""The nine languages, and the codes in the names of AfriQA's files."""
LANGUAGES = tuple(sorted((*CODES, "en", "fr")))
SPLITS = {"train": "train", "dev": "dev", "validation": "dev", "test": "test"}
LACKING = {("sw", "train"), ("sw", "dev"), ("yo", "dev")}
REPOSITORY = "https://raw.githubusercontent.com/masakhane-io/afriqa"
MASAKHANE = Web(f"{REPOSITORY}/5c29933753692c28773c34ac1f68482007f1d2bb/data/gold_passages", {})
NO_PASSAGE = "questions without a passage"


def load_pairs(
    data: str | Path | None = None,
    *,
    split: str = "train",
    languages: Sequence[str] | None = None,
) -> Pairs:
    """Loads AfriQA as training pairs: each question, in both its languages, with its passage.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        split: "train", "dev" (or "validation") or "test".
        languages: the languages, with the pivot languages en and fr; None takes all eleven.

    Raises:
        DataError: for a language or split it lacks, languages without a passage, and a file that is
            not what it should be.
    """
    splits, left_out = _read(data, split, languages)
    texts, _ = in_languages("afriqa", splits[SPLITS[split]], languages, LANGUAGES)
    pairs = Pairs.from_texts("afriqa", texts.questions, texts.passages, id=texts.ids)
    pairs.left_out = left_out
    return pairs


def load_benchmark(
    data: str | Path | None = None,
    *,
    split: str = "test",
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Loads AfriQA as a benchmark: a question finds its passage in the pivot language.

    The questions are those of the split, in their African language and in the pivot language. The
    passages are those of all splits in the folder; from the web those of the split are fetched
    alone.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        split: "train", "dev" (or "validation") or "test".
        languages: the languages, with the pivot languages en and fr; None takes all eleven.

    Raises:
        DataError: as `load_pairs` does.
    """
    splits, left_out = _read(data, split, languages)
    asked, _ = in_languages("afriqa", splits[SPLITS[split]], languages, LANGUAGES)
    wanted = choose_languages("afriqa", languages, LANGUAGES)
    others = [
        (id_, {code: form for code, form in forms.items() if code in wanted})
        for name, texts in splits.items()
        for id_, forms in zip(texts.ids, texts.passages, strict=True)
        if name != SPLITS[split]
    ]
    found = parallel_benchmark("afriqa", asked, others)
    return Benchmark(found.name, found.queries, found.passages, found.judgements, left_out=left_out)


def _read(
    data: str | Path | None, split: str, languages: Sequence[str] | None
) -> tuple[dict[str, ParallelTexts], dict[str, int]]:
    """The questions of each split that is there, and what was left out."""
    if split not in SPLITS:
        raise DataError(f"afriqa has no split {split!r}; it has train, dev, test")
    choose_languages("afriqa", languages, LANGUAGES)
    folder = local_folder("afriqa", data, FOLDERS)
    if folder is not None and (folder / "pairs.jsonl").is_file():
        found = read_split_pairs(folder / "pairs.jsonl", split=SPLITS[split])
        return {name: texts for name, (texts, _) in found.items()}, {}
    source = Source("afriqa", folder, MASAKHANE)
    left_out: Counter[str] = Counter()
    splits = ("train", "dev", "test") if folder is not None else (SPLITS[split],)
    wanted = [code for code in CODES if languages is None or code in languages] or list(CODES)
    read = {
        name: _read_own(source, name, wanted, left_out, needed=name == SPLITS[split])
        for name in splits
    }
    return read, dict(left_out)


def _read_own(
    source: Source, split: str, wanted: Sequence[str], left_out: Counter[str], *, needed: bool
) -> ParallelTexts:
    """A split's questions from AfriQA's own files, those that are needed or there."""
    found = ParallelTexts([], [], [])
    for language in wanted:
        if (language, split) in LACKING:
            continue
        pivot = "fr" if language == "fon" else "en"
        code = CODES[language]
        name = f"gold_span_passages.afriqa.{code}.{pivot}.{split}.json"
        below = name if source.has(name) else f"{code}/{name}"
        if needed or source.has(below):
            _read_file(source.path(below), (language, pivot), f"{code}:{split}", found, left_out)
    return found


def _read_file(
    file: Path,
    languages: tuple[str, str],
    prefix: str,
    found: ParallelTexts,
    left_out: Counter[str],
) -> None:
    """Adds the questions of one of AfriQA's own files."""
    language, pivot = languages
    number = number_repeated()
    for place, record in read_jsonl(file):
        if is_empty(str(record.get("context") or "")):
            left_out[NO_PASSAGE] += 1
            continue
        question: Texts = {language: text(record, "question_lang", place)}
        if not is_empty(str(record.get("question_translated") or "")):
            question[pivot] = text(record, "question_translated", place)
        found.ids.append(number(f"{prefix}:{identifier(record, 'id', place)}", place))
        found.questions.append(question)
        found.passages.append({pivot: text(record, "context", place)})
