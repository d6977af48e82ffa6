"""SQuADShifts (Miller et al. 2020, arXiv 2004.14444): SQuAD's questions asked of other texts.

Four domains, in English: new Wikipedia articles (new_wiki, 7,938 questions), the New York Times
(nyt), Amazon's reviews (amazon, 9,885) and Reddit (reddit, 9,803). A passage is a paragraph. The
published study keeps the weights with the lowest loss on SQuADShifts, so train with
`validation=hbt.load_pairs("squadshifts")`; it is in no row of Table 9.

Files: BEIR's layout with a `qrels/DOMAIN.tsv` for each domain; or `lmqg/qa_squadshifts` on the hub,
`data/DOMAIN.{train,validation,test}.jsonl` with the fields id, title, context, question, answers,
of which all three splits are taken together: it is that repository that split them. The hub's
layout was read off the script that made it; its `id` is the paragraph's, so questions are numbered.
The licence is CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.beir import find_texts, read_judgements, read_passages, read_queries
from hbtlib.data.formats.checks import DataError, text
from hbtlib.data.formats.files import read_jsonl
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.question_answers import one_of
from hbtlib.data.formats.source import Source, choose_languages, local_folder

FOLDERS = ("squadshifts",)
LANGUAGES = ("en",)
DOMAINS = ("new_wiki", "nyt", "amazon", "reddit")
LMQG = Hub("lmqg/qa_squadshifts", "2e763d12d545c6395bb9661b0602466a31006daf")
SPLITS = ("train", "validation", "test")  # of the hub's files
SETTINGS = ("monolingual",)


def load_benchmark(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    domains: str | None = None,
) -> Benchmark:
    """Loads SQuADShifts.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        domains: the domains, separated by blanks ("new_wiki amazon"); None takes all, of a folder
            all that it has.

    Raises:
        DataError: for a language or domain it lacks, and a file that is not what it should be.
    """
    name = "squadshifts"
    choose_languages(name, languages, LANGUAGES)
    source = Source(name, local_folder(name, data, FOLDERS), LMQG)
    asked = [one_of(name, DOMAINS, each, "domain") for each in (domains or "").split()]
    folder = source.folder
    if folder is not None and (folder / "qrels").is_dir():
        have = [each for each in DOMAINS if source.has(f"qrels/{each}.tsv")]
        return _read_beir(
            folder, [one_of(str(folder), have, each, "domain") for each in asked or have]
        )
    have = [each for each in DOMAINS if source.has(f"data/{each}.test.jsonl")]
    return _read_hub(source, asked or have or DOMAINS)


def _read_beir(folder: Path, domains: Sequence[str]) -> Benchmark:
    """The questions that the domains judge, and the paragraphs that they are judged against."""
    judged = [row for each in domains for _, row in read_judgements(folder, each)]
    judgements = pd.DataFrame(judged, columns=["query_id", "passage_id", "grade"])
    queries = read_queries(find_texts(folder, "queries"), "en")
    passages = pd.DataFrame([row for _, row in read_passages(find_texts(folder, "corpus"), "en")])
    for what, table in (("query", queries), ("passage", passages)):
        unknown = set(judgements[f"{what}_id"]) - set(table[f"{what}_id"])
        if unknown:
            raise DataError(
                f"{folder}: qrels/ judges the {what} {min(unknown)!r}, which its file lacks; "
                "download the folder again"
            )
    asked = queries[queries["query_id"].isin(judgements["query_id"])]
    pool = passages[passages["passage_id"].isin(judgements["passage_id"])]
    return Benchmark("squadshifts", asked, pool, judgements, SETTINGS)


def _read_hub(source: Source, domains: Sequence[str]) -> Benchmark:
    """The questions of the hub's files; equal paragraphs are one passage."""
    queries = []
    judgements = []
    passage_of: dict[str, str] = {}
    for domain in domains:
        for number, (place, row) in enumerate(_rows(source, domain), start=1):
            context = text(row, "context", place)
            passage = passage_of.setdefault(context, f"p{len(passage_of)}")
            query = f"{domain}-{number}"
            queries.append((query, "en", text(row, "question", place)))
            judgements.append((query, passage, 1))
    if not queries:
        raise DataError(f"squadshifts: no question in {' '.join(domains)}; download it again")
    return Benchmark(
        "squadshifts",
        pd.DataFrame(queries, columns=["query_id", "language", "text"]),
        pd.DataFrame(
            [(id_, "en", context) for context, id_ in passage_of.items()],
            columns=["passage_id", "language", "text"],
        ),
        pd.DataFrame(judgements, columns=["query_id", "passage_id", "grade"]),
        SETTINGS,
    )


def _rows(source: Source, domain: str) -> Iterator[tuple[str, dict]]:
    for split in SPLITS:
        yield from read_jsonl(source.path(f"data/{domain}.{split}.jsonl"))
