"""Any question answering files in SQuAD's form, of one language or several.

`data=` is a file or a folder; see `hbtlib.data.formats.squad_like` for the variations that are
read, and in which set each was seen. A file's language is the one that `language=` gives or that
its name says (`de.json`, `dev-v1.1.de.json`, `xquad.de/validation.parquet`, MLQA's and TyDiQA's
names); what was guessed is said in a warning.

A passage is a paragraph, or a sentence (`sentences=`): by the file's own marks, or as `sentencex`
finds them. Relevant is the paragraph that the question was asked of, or the sentence in which its
first answer starts. An answer that does not stand where `answer_start` says, or has none, is looked
for in its paragraph, near that place.

What is left out is counted in the `left_out` of the benchmark or pairs, and said in the same
warning. Questions without an answer (SQuAD 2's `is_impossible`, empty `answers`) are left out,
because no passage answers them: their paragraph was chosen to look as if it did.
`keep_unanswerable=True` keeps them with that paragraph as relevant, which makes *relevant* mean
"about the same" rather than "has the answer". No sentence answers them, so this goes with
paragraphs alone.

A question without an id is named after its file and its place there, and an id that repeats is
numbered on ("12", "12.2"). Files of several languages are parallel through their ids, except where
ids repeat, are missing or are plain numbers, which any two sets share; `parallel=` says otherwise.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hbtlib.checks import check_name, short
from hbtlib.data.benchmark import SETTINGS, Benchmark
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.checks import language as known_language
from hbtlib.data.formats.file_names import (
    SPLITS,
    languages_of,
    pairs_two_languages,
    split_of,
    stem,
)
from hbtlib.data.formats.source import choose_languages
from hbtlib.data.formats.squad import Paragraph
from hbtlib.data.formats.squad_benchmarks import (
    paragraph_benchmark,
    sentence_benchmark,
    split_sentences,
)
from hbtlib.data.formats.squad_like import (
    NOWHERE,
    UNANSWERABLE,
    NotSquadError,
    SquadReader,
    holds_questions,
)

FOLDERS: tuple[str, ...] = ()
LANGUAGES: tuple[str, ...] = ()
ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet")
NOT_PARALLEL = ("monolingual", "multilingual")

NO_PLACE = "questions whose answer is nowhere in their paragraph"
OTHER_FILES = "files without questions"
TWO_LANGUAGES = "files that pair the others' paragraphs and questions again"


def load_benchmark(
    data: str | Path | None = None,
    *,
    language: str | None = None,
    languages: Sequence[str] | None = None,
    split: str | None = None,
    sentences: bool | None = None,
    context: str = "none",
    keep_unanswerable: bool = False,
    parallel: bool | None = None,
    called: str | None = None,
) -> Benchmark:
    """Loads question answering files as a benchmark.

    Args:
        data: the file, or a folder with such files (in folders of its own too).
        language: the language of all the files; None takes it from each file's name.
        languages: the languages to keep; None keeps all.
        split: the files to read where names say train, dev (valid, validation), test or trial;
            None reads all, if they are of one split.
        sentences: True for sentences as passages, False for paragraphs; None takes sentences where
            every paragraph has marks of them (`sentence_breaks`).
        context: "none", or "paragraph" to give each sentence its paragraph.
        keep_unanswerable: whether questions without an answer are kept, with their paragraph as
            relevant.
        parallel: whether questions with one id in several languages are the same question; None
            decides by the ids.
        called: the benchmark's name; None takes the file's or folder's.

    Raises:
        DataError: for files that are missing or not what they should be, a language or split that
            is not clear, and for no question that is left.
    """
    path = _given(data)
    files, left_out = _files(path, split)
    by_language, guessed = _languages(files, path, language, left_out)
    wanted = choose_languages(str(path), languages, sorted(by_language))
    readers = {
        code: _read(by_language[code], left_out, keep_unanswerable, alone=path.is_file())
        for code in wanted
    }
    for reader in readers.values():
        left_out.update(reader.left_out)
    readers = {code: reader for code, reader in readers.items() if reader.has_questions}
    found = {code: reader.paragraphs for code, reader in readers.items()}
    _check_left(path, found, left_out)
    is_parallel = _is_parallel(readers, found) if parallel is None else parallel
    if not is_parallel and _shared_ids(found):
        found = {code: _with_language(code, items) for code, items in found.items()}
    by_sentence = _wants_sentences(sentences, context, found, keep_unanswerable)
    if by_sentence:
        found = {code: [_placed(item, left_out) for item in items] for code, items in found.items()}
        _check_left(path, found, left_out)
    benchmark = _build(called or stem(path), found, context if by_sentence else None)
    _tell(path, guessed, left_out)
    settings = SETTINGS if is_parallel and len(found) > 1 else NOT_PARALLEL
    return replace(benchmark, settings=settings, left_out=dict(+left_out))


def _given(data: str | Path | None) -> Path:
    """The file or folder that is given."""
    if data is None:
        raise DataError("squad: give data= a file in SQuAD's form, or a folder with such files")
    try:
        path = Path(data).expanduser()
        if str(data) and path.exists():
            return path
    except (OSError, RuntimeError, TypeError, ValueError):
        pass  # a name that is too long or has a NUL, a user that does not exist, no text at all
    raise DataError(
        f"squad: {str(data)[:300]!r} does not exist; give data= a file in SQuAD's form, or a "
        "folder with such files"
    )


def _files(path: Path, split: str | None) -> tuple[list[Path], Counter[str]]:
    """The files to read, and what was left out among the files."""
    left_out: Counter[str] = Counter()
    if split is not None:
        check_name("split", split)
    if path.is_file():
        return [path], left_out
    for name in ("corpus.jsonl", "pairs.jsonl"):
        if (path / name).is_file():
            raise DataError(
                f"{path} has a {name}, so it is no folder of SQuAD's form; load it under the name "
                "'folder'"
            )
    files = [file for file in sorted(path.rglob("*")) if file.name.endswith(ENDINGS)]
    if not files:
        have = ", ".join(sorted(p.name for p in path.iterdir())[:6]) or "nothing"
        raise DataError(
            f"{path} has no file {' or '.join(ENDINGS)} (it has {have}); give data= the file or "
            "folder of the questions"
        )
    same = [file for file in files if not pairs_two_languages(file)]
    if same:
        left_out[TWO_LANGUAGES] += len(files) - len(same)
    return _of_split(same, path, split), left_out


def _of_split(files: list[Path], path: Path, split: str | None) -> list[Path]:
    """The files of a split; without one all, if their names say no more than one."""
    if not files:
        raise DataError(
            f"{path}: every file pairs paragraphs and questions of two languages; give a folder "
            "with the files of one language each, too"
        )
    splits = {file: split_of(file) for file in files}
    named = sorted({name for name in splits.values() if name is not None})
    if split is None:
        if len(named) > 1:
            raise DataError(f"{path} has files of {', '.join(named)}; give split= one of them")
        return files
    wanted = SPLITS.get(split, split)
    chosen = [file for file, name in splits.items() if name == wanted]
    if not chosen:
        raise DataError(
            f"{path}: no file's name says the split {split!r}; they say "
            f"{', '.join(named) or 'none, so leave split= out'}"
        )
    return chosen


def _languages(
    files: list[Path], path: Path, language: str | None, left_out: Counter[str]
) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """The files of each language; and those whose language was guessed, by name."""
    if language is not None:
        return {known_language(language, "language"): files}, {}
    found: dict[str, list[Path]] = {}
    guessed: dict[str, str] = {}
    for file in files:
        name = stem(file)
        codes = languages_of(name)
        if not codes and file.parent != path and path.is_dir():
            name = file.parent.name
            codes = languages_of(name)
        if not codes and len(files) > 1 and not holds_questions(file):
            left_out[OTHER_FILES] += 1
            continue
        if len(codes) != 1:
            says = f"may say {' or '.join(codes)}" if codes else "says no language"
            raise DataError(
                f"{file}: its name {says}; give language= its code, such as language='de'"
            )
        found.setdefault(codes[0], []).append(file)
        if name != codes[0]:
            guessed[str(file.relative_to(path) if path.is_dir() else file.name)] = codes[0]
    return found, guessed


def _read(
    files: list[Path], left_out: Counter[str], keep_unanswerable: bool, *, alone: bool
) -> SquadReader:
    """Reads the files of one language; in a folder, those without questions are passed over."""
    reader = SquadReader(keep_unanswerable=keep_unanswerable)
    for file in files:
        try:
            reader.read(file)
        except NotSquadError:
            if alone:
                raise
            left_out[OTHER_FILES] += 1
    return reader


def _check_left(path: Path, found: dict[str, list[Paragraph]], left_out: Counter[str]) -> None:
    """Refuses files of which no question is left, saying why."""
    if any(item.questions for items in found.values() for item in items):
        return
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in (+left_out).items())
    hint = "give data= the file or folder of the questions"
    if left_out[UNANSWERABLE]:
        hint = "keep_unanswerable=True keeps questions without an answer, with their paragraphs"
    raise DataError(f"{path}: no question is left ({reasons or 'none was in it'}); {hint}")


def _is_parallel(readers: dict[str, SquadReader], found: dict[str, list[Paragraph]]) -> bool:
    """Whether the languages' ids can be those of the same questions."""
    has_own_ids = all(reader.has_own_ids for reader in readers.values())
    return has_own_ids and any(not id_.isdecimal() for id_ in _shared_ids(found))


def _shared_ids(found: dict[str, list[Paragraph]]) -> list[str]:
    """The ids that stand in several languages."""
    languages = Counter(
        question.id
        for paragraphs in found.values()
        for paragraph in paragraphs
        for question in paragraph.questions
    )
    return [id_ for id_, count in languages.items() if count > 1]


def _with_language(language: str, paragraphs: list[Paragraph]) -> list[Paragraph]:
    """The same with ids that begin with the language: nothing is parallel through them."""
    return [
        replace(
            paragraph,
            questions=[
                replace(question, id=f"{language}:{question.id}")
                for question in paragraph.questions
            ],
        )
        for paragraph in paragraphs
    ]


def _wants_sentences(
    sentences: bool | None,
    context: str,
    found: dict[str, list[Paragraph]],
    keep_unanswerable: bool,
) -> bool:
    """Whether passages are sentences, after a check that the other options fit."""
    has_marks = all(
        paragraph.sentences is not None for paragraphs in found.values() for paragraph in paragraphs
    )
    wanted = has_marks if sentences is None else sentences
    if wanted and keep_unanswerable:
        raise DataError(
            "squad: keep_unanswerable goes with paragraphs, because no sentence answers such a "
            "question; give sentences=False too"
        )
    if context != "none" and not wanted:
        raise DataError(
            f"squad: context is {short(context)}, which goes with sentences; give sentences=True "
            "too, or leave context out"
        )
    return wanted


def _placed(paragraph: Paragraph, left_out: Counter[str]) -> Paragraph:
    """The paragraph with those questions whose answer has a place in it."""
    placed = [question for question in paragraph.questions if question.start != NOWHERE]
    left_out[NO_PLACE] += len(paragraph.questions) - len(placed)
    return replace(paragraph, questions=placed)


def _build(name: str, found: dict[str, list[Paragraph]], context: str | None) -> Benchmark:
    """The benchmark of sentences, or (context is None) of paragraphs."""
    if context is not None:
        return sentence_benchmark(name, found, context, split=split_sentences)
    # A paragraph is one piece, in which every answer lies, wherever it starts.
    whole = {
        code: [
            replace(item, questions=[replace(asked, start=0) for asked in item.questions])
            for item in items
        ]
        for code, items in found.items()
    }
    return paragraph_benchmark(name, whole)


def _tell(path: Path, guessed: dict[str, str], left_out: Counter[str]) -> None:
    """Says in one warning which languages were guessed, and what was left out."""
    told = []
    if guessed:
        shown = [f"{file} is {code}" for file, code in list(guessed.items())[:4]]
        more = f" and {len(guessed) - 4} more" if len(guessed) > 4 else ""
        told.append(f"by their names, {', '.join(shown)}{more}")
    dropped = [f"{count:,} {reason}" for reason, count in (+left_out).items()]
    if dropped:
        told.append(f"left out: {', '.join(dropped)}")
    if told:
        warnings.warn(f"{path}: {'; '.join(told)}", stacklevel=5)
