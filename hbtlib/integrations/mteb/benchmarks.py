"""mteb's retrieval tasks as our `Benchmark`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from hbtlib.checks import short
from hbtlib.data.benchmark import SETTINGS, UNTRANSLATED, Benchmark
from hbtlib.data.formats.checks import DataError
from hbtlib.integrations.mteb.subsets import Subset, read_subsets

PARALLEL = frozenset({"MuPLeR-retrieval"})
"""The tasks of mteb whose ids name translations, because they are parallel by construction."""


def from_task(
    task: Any,
    subsets: Sequence[str] | None = None,
    *,
    split: str | None = None,
    parallel: bool | None = None,
    languages: Mapping[str, tuple[str, str]] | None = None,
) -> Benchmark:
    """A retrieval task of mteb as a benchmark.

    Subsets are put together: each language's corpus is a pool. Queries are named LANGUAGE:ID, so
    are passages.

    Most tasks do not tell which queries are translations of one question. Then every query is a
    question of its own, the benchmark has no multilingual setting (a translation of the right
    passage would count as wrong), and `hbt.bias` refuses its ranks.

    Args:
        task: what `mteb.get_task` returns; it is loaded if it has not been (from the hub).
        subsets: some of the task's subsets; by default all.
        split: the split; by default the first that the task evaluates on.
        parallel: whether equal ids name translations, of queries and of passages. A query then has
            the translations of its passages as relevant passages in every pool. None: only if the
            task is known to be so (`PARALLEL`).
        languages: subset → language of its passages and of its queries, for a task that does not
            say them.

    Returns:
        The benchmark. `left_out` counts what was not taken over: texts without content, judgements
        of passages or queries that the task lacks, and queries with nothing relevant.

    Raises:
        DataError: for a task that is none of text retrieval, an unknown subset or split, a subset
            whose languages are not known, subsets whose pools of one language differ, and ids that
            do not name translations although they should.
    """
    parts = read_subsets(task, subsets, split, languages)
    name = task.metadata.name
    is_parallel = name in PARALLEL if parallel is None else parallel
    if is_parallel:
        check_parallel(name, parts)
    return benchmark_of(name, parts, is_parallel)


def benchmark_of(name: str, parts: Sequence[Subset], is_parallel: bool) -> Benchmark:
    """Puts the subsets of a task together."""
    left_out: Counter[str] = Counter()
    for part in parts:
        left_out.update(part.left_out)
    passages = pd.DataFrame(
        {
            (part.language, raw): {
                "passage_id": part.passage_id(raw),
                "language": part.language,
                "text": text,
            }
            for part in parts
            for raw, text in part.passages.items()
        }.values(),
        columns=["passage_id", "language", "text"],
    )
    queries, judgements = _queries(parts, is_parallel)
    pairs = {(part.query_language, part.language) for part in parts}
    several = len({language for _, language in pairs}) > 1
    present = {
        "monolingual": any(asked == pool for asked, pool in pairs),
        "cross-lingual": any(asked != pool for asked, pool in pairs) or (is_parallel and several),
        "multilingual": is_parallel and several,
    }
    settings = tuple(setting for setting in SETTINGS if present[setting])
    left = {reason: count for reason, count in left_out.items() if count}
    if left:
        said = ", ".join(f"{count:,} {reason}" for reason, count in left.items())
        print(f"{name}: left out {said}")
    return Benchmark(name, queries, passages, judgements, settings, left)


def _queries(parts: Sequence[Subset], is_parallel: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of queries and judgements."""
    queries: dict[str, tuple[str, str, str]] = {}
    judged: dict[tuple[str, str], int] = {}
    # With parallel ids a passage is judged in all its languages; otherwise in its subset alone.
    for part in parts:
        pools = parts if is_parallel else [part]
        for raw, relevant in part.judgements.items():
            query = part.query_id(raw)
            question = raw if is_parallel else f"{UNTRANSLATED}{query}"
            queries[query] = (question, part.query_language, part.queries[raw])
            for passage, grade in relevant.items():
                for pool in pools:
                    if passage in pool.passages:
                        judged[query, pool.passage_id(passage)] = grade
    asked = pd.DataFrame(
        [(query, *rest) for query, rest in queries.items()],
        columns=["query_id", "question_id", "language", "text"],
    )
    judgements = pd.DataFrame(
        [(query, passage, grade) for (query, passage), grade in judged.items()],
        columns=["query_id", "passage_id", "grade"],
    )
    return asked, judgements


def check_parallel(name: str, parts: Sequence[Subset]) -> None:
    """Raises DataError unless each query's relevant passages have the same ids in every subset."""
    found: dict[str, tuple[Subset, Mapping[str, int]]] = {}
    for part in parts:
        for raw, relevant in part.judgements.items():
            first, wanted = found.setdefault(raw, (part, relevant))
            if wanted != relevant:
                raise DataError(
                    f"{name}: the query {short(raw)} has other relevant passages in the subset "
                    f"{part.name!r} than in {first.name!r}, so equal ids do not name translations: "
                    "give parallel=False"
                )
