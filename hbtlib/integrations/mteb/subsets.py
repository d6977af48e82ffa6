"""Reading the subsets of an mteb retrieval task: texts and judgements, by mteb's ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mteb.abstasks.retrieval import AbsTaskRetrieval

from hbtlib.checks import short
from hbtlib.data.formats.checks import DataError
from hbtlib.data.given import is_empty
from hbtlib.integrations.mteb.languages import from_mteb


@dataclass
class Subset:
    """One subset of a task, in one split.

    Attributes:
        name: what mteb calls it.
        language: of its passages.
        query_language: of its queries.
        passages: id → text, those with content.
        queries: id → text, those with content.
        judgements: query → passage → grade above 0, of queries and passages that are there.
        asked: ids of all queries.
        empty: ids of the passages without content.
        left_out: reason → how many.
        numbered_by_subset: whether another subset has another query of this language and id.
    """

    name: str
    language: str
    query_language: str
    passages: dict[str, str]
    queries: dict[str, str]
    judgements: dict[str, dict[str, int]]
    asked: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    left_out: dict[str, int] = field(default_factory=dict)
    numbered_by_subset: bool = False

    def passage_id(self, raw: str) -> str:
        """What our benchmark calls a passage."""
        return f"{self.language}:{raw}"

    def query_id(self, raw: str) -> str:
        """What our benchmark calls a query."""
        return f"{self.name if self.numbered_by_subset else self.query_language}:{raw}"


def read_subsets(
    task: Any,
    subsets: Sequence[str] | None,
    split: str | None,
    languages: Mapping[str, tuple[str, str]] | None,
) -> list[Subset]:
    """Reads subsets of a task; see `from_task` for the arguments and what is refused."""
    if not isinstance(task, AbsTaskRetrieval):
        raise DataError(
            f"task is {short(task)}; give a retrieval task of mteb, as mteb.get_task(name) returns"
        )
    name = task.metadata.name
    if list(task.metadata.modalities) != ["text"]:
        raise DataError(f"{name} has {', '.join(task.metadata.modalities)}; hbtlib ranks texts")
    task.load_data()
    task.convert_v1_dataset_format_to_v2(num_proc=None)
    wanted = list(task.dataset) if subsets is None else list(subsets)
    parts = []
    for subset in wanted:
        if subset not in task.dataset:
            raise DataError(f"{name} has no subset {short(subset)}; it has {_some(task.dataset)}")
        chosen = split or next(iter(task.metadata.eval_splits))
        if chosen not in task.dataset[subset]:
            raise DataError(
                f"{name}, {subset}: there is no split {short(chosen)}; there is "
                f"{_some(task.dataset[subset])}"
            )
        pool, asked = _languages(task, subset, languages)
        parts.append(_read(f"{name}, {subset}", subset, pool, asked, task.dataset[subset][chosen]))
    _check_pools(name, parts)
    _mark_numbering(parts)
    return parts


def _languages(
    task: Any, subset: str, given: Mapping[str, tuple[str, str]] | None
) -> tuple[str, str]:
    """The languages of a subset's passages and queries, in our codes."""
    if given and subset in given:
        pool, asked = given[subset]
        return pool, asked
    codes = list(task.metadata.hf_subsets_to_langscripts.get(subset, []))
    # Where a task has no subsets by language, several codes are languages that its texts mix.
    if len(codes) == 1 or (len(codes) == 2 and task.metadata.is_multilingual):
        return from_mteb(codes[0]), from_mteb(codes[-1])
    raise DataError(
        f"{task.metadata.name}, {subset}: the task names the languages {_some(codes) or 'none'}, "
        "and not which of its texts are in which: give languages={'" + subset + "': (language of "
        "passages, language of queries)}, or take another subset"
    )


def _read(place: str, subset: str, pool: str, asked: str, data: Mapping[str, Any]) -> Subset:
    """One subset, without what has no content or is judged and not there."""
    if data.get("top_ranked"):
        raise DataError(
            f"{place}: each query has candidates of its own to be reranked; hbtlib ranks whole "
            "pools, so take a retrieval task"
        )
    passages = dict(_texts(place, data["corpus"], with_title=True))
    queries = dict(_texts(place, data["queries"], with_title=False))
    read_passages = {raw: text for raw, text in passages.items() if not is_empty(text)}
    read_queries = {raw: text for raw, text in queries.items() if not is_empty(text)}
    judgements: dict[str, dict[str, int]] = {}
    lost = 0
    for query, judged in data["relevant_docs"].items():
        relevant = {raw: grade for raw, grade in judged.items() if grade > 0}
        there = {str(raw): int(grade) for raw, grade in relevant.items() if raw in read_passages}
        if str(query) not in read_queries:
            there = {}
        lost += len(relevant) - len(there)
        if there:
            judgements[str(query)] = there
    left_out = {
        "passages without content": len(passages) - len(read_passages),
        "queries without content": len(queries) - len(read_queries),
        "judgements of what is not there": lost,
        "queries with nothing relevant": len(read_queries) - len(judgements),
    }
    empty = frozenset(passages) - frozenset(read_passages)
    return Subset(
        subset,
        pool,
        asked,
        read_passages,
        read_queries,
        judgements,
        asked=frozenset(queries),
        empty=empty,
        left_out=left_out,
    )


def _texts(place: str, rows: Any, *, with_title: bool) -> Iterable[tuple[str, str]]:
    """Ids and texts as mteb's models read them: a passage's title stands before it."""
    for row in rows:
        text = row["text"]
        if not isinstance(text, str) or row.get("instruction"):
            raise DataError(
                f"{place}: {short(row['id'])} is a conversation or has an instruction of its own, "
                "which hbtlib has no place for; take another task"
            )
        title = row.get("title") if with_title else None
        yield str(row["id"]), f"{title} {text}".strip() if title else text.strip()


def _check_pools(name: str, parts: Sequence[Subset]) -> None:
    """Raises DataError if two subsets have different pools of one language."""
    first: dict[str, Subset] = {}
    for part in parts:
        other = first.setdefault(part.language, part)
        if other.passages != part.passages:
            raise DataError(
                f"{name}: the subsets {other.name!r} and {part.name!r} both have passages in "
                f"{part.language!r}, but not the same ones, so they cannot be one pool: give "
                f"subsets=[{other.name!r}], or others that agree"
            )


def _mark_numbering(parts: Sequence[Subset]) -> None:
    """Marks subsets whose query ids mean other texts in another subset of the language."""
    texts: dict[tuple[str, str], str] = {}
    clashing = {
        part.query_language
        for part in parts
        for raw, text in part.queries.items()
        if texts.setdefault((part.query_language, raw), text) != text
    }
    for part in parts:
        part.numbered_by_subset = part.query_language in clashing


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:8]) + (f", … ({len(found)} in all)" if len(found) > 8 else "")
