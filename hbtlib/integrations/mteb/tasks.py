"""A benchmark as tasks of mteb: each pool, and the pool of all languages."""

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd
from datasets import Dataset
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
from xxhash import xxh3_64_hexdigest

from hbtlib.checks import check_choice, check_integer, short
from hbtlib.data.benchmark import ALL, SETTINGS, Benchmark
from hbtlib.evaluation.bias import bias
from hbtlib.evaluation.metrics import measure
from hbtlib.integrations.mteb.languages import to_mteb
from hbtlib.integrations.mteb.results import Results, joined, rows_of_results

SPLIT = "test"
"""What a benchmark's only split is called."""

CUT_OFF = 1000
"""How many passages of each query mteb keeps."""

_BIAS = ("rank-distance", "own-language-preference")


def as_tasks(
    benchmark: Benchmark, settings: Sequence[str] | None = None, *, top_k: int = CUT_OFF
) -> list["BenchmarkTask"]:
    """A benchmark as mteb tasks, one a setting, for `mteb.evaluate(model, tasks, cache=None)`.

    Args:
        benchmark: the benchmark.
        settings: some of monolingual, cross-lingual and multilingual (the pool of all languages);
            by default those that the benchmark names and has.
        top_k: how many passages of each query mteb keeps. Where a pool has no more, every value is
            that of `hbt.measure`; give the size of the largest pool to have them all so.

    Returns:
        The tasks (`BenchmarkTask`).

    Raises:
        ValueError: if the benchmark is none, or has nothing to ask in a setting that is named.

    Example:
        >>> import hbtlib as hbt
        >>> from hbtlib.integrations.mteb import as_tasks
        >>> benchmark = hbt.load_benchmark("worldfacts", languages=["de", "en"])
        >>> for task in as_tasks(benchmark):
        ...     print(task.metadata.name, task.hf_subsets)
        worldfacts-monolingual ['de_in_de', 'en_in_en']
        worldfacts-cross-lingual ['de_in_en', 'en_in_de']
        worldfacts-multilingual ['de_in_all', 'en_in_all']
    """
    if not isinstance(benchmark, Benchmark):
        raise ValueError(f"benchmark is {short(benchmark)}; give an hbt.Benchmark")
    if settings is not None:
        return [BenchmarkTask(benchmark, setting, top_k=top_k) for setting in settings]
    named = [setting for setting in SETTINGS if setting in benchmark.settings]
    return [
        BenchmarkTask(benchmark, setting, top_k=top_k)
        for setting in named
        if _subsets(benchmark, setting)
    ]


class BenchmarkTask(AbsTaskRetrieval):
    """One setting of a benchmark as a retrieval task of mteb.

    It has a subset for each query language and pool, such as `de_in_en` or `de_in_all`, whose
    scores are a row of `hbt.measure`: `map_at_1000` is mAP, `mrr_at_10` MRR@10, `ndcg_at_10`
    nDCG@10, `recall_at_1` R@1 (mteb rounds to five digits). Beside mteb's scores each subset has
    `mAP`, and in the multilingual setting `rank-distance` and `own-language-preference`.

    mteb keeps the best 1,000 passages of each query. Where a relevant one is not among them, these
    three would be guesses. Then a warning says so, the subset has `relevant-beyond-1000` (how many
    are lost) and measures with that cut-off in their place (`mAP@1000`, `rank-distance@1000`), and
    `map_at_1000` is mAP@1000.

    Args:
        benchmark: the benchmark.
        setting: monolingual, cross-lingual or multilingual.
        top_k: how many passages of each query mteb keeps.

    Raises:
        ValueError: for another setting, one in which the benchmark asks nothing, or a top_k below
            1.
    """

    data_loaded: bool = False

    def __init__(
        self, benchmark: Benchmark, setting: str = "multilingual", *, top_k: int = CUT_OFF
    ) -> None:
        self.benchmark = benchmark
        self.setting = check_choice("setting", setting, SETTINGS)
        top_k = check_integer("top_k", top_k, minimum=1)
        self.pairs = _subsets(benchmark, setting)
        if not self.pairs:
            raise ValueError(
                f"{benchmark.name!r} has nothing to ask in the setting {setting!r}; it has "
                f"{', '.join(s for s in SETTINGS if _subsets(benchmark, s)) or 'no judgements'}"
            )
        usual = AbsTaskRetrieval.k_values
        self.k_values = tuple(sorted({*(k for k in usual if k < top_k), top_k}))
        self._described = _metadata(benchmark, setting, self.pairs)
        super().__init__()

    @cached_property
    def metadata(self) -> TaskMetadata:  # type: ignore[override]
        """What mteb knows of the task. mteb deletes it with the data, and then asks again."""
        return self._described

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:
        """Makes mteb's tables of queries, passages and judgements."""
        if self.data_loaded:
            return
        corpora = {pool: _corpus(self.benchmark, pool) for _, pool in self.pairs.values()}
        self.dataset: dict[str, Any] = {}
        for subset, (language, pool) in self.pairs.items():
            gold = _judged(self.benchmark, language, pool)
            relevant: dict[str, dict[str, int]] = {}
            for query, passage, grade in zip(
                gold["query_id"], gold["passage_id"], gold["grade"], strict=True
            ):
                relevant.setdefault(query, {})[passage] = int(grade)
            asked = self.benchmark.queries
            asked = asked[asked["query_id"].isin(list(relevant))]
            queries = Dataset.from_dict(
                {"id": list(asked["query_id"]), "text": list(asked["text"])}
            )
            self.dataset[subset] = {
                SPLIT: {
                    "corpus": corpora[pool],
                    "queries": queries,
                    "relevant_docs": relevant,
                    "top_ranked": None,
                }
            }
        self.data_loaded = True

    def task_specific_scores(
        self,
        scores: Mapping[str, Any],
        qrels: Mapping[str, Any],
        results: Results,
        hf_split: str,
        hf_subset: str,
    ) -> dict[str, float]:
        """Computes our measures of a subset from what mteb found."""
        _, pool = self.pairs[hf_subset]
        rows = rows_of_results(results, self.benchmark, pool, hf_subset)
        cut_off = max(self.k_values)
        lost = int(rows["rank"].isna().sum())
        ranks = joined([rows], cut_off)
        if lost:
            self._warn(hf_subset, lost, len(rows), cut_off)
            at = f"@{cut_off}"
            return {
                f"relevant-beyond-{cut_off}": float(lost),
                **_values(ranks, [f"mAP{at}", f"rank-distance{at}"]),
            }
        found = _values(ranks, ["mAP"])
        if self.setting == "multilingual":
            biases = bias(ranks).groupby("measure")["value"].mean()
            found |= {name: float(biases[name]) for name in _BIAS if name in biases.index}
        return found

    def _warn(self, subset: str, lost: int, relevant: int, cut_off: int) -> None:
        warnings.warn(
            f"{self.metadata.name}, {subset}: {lost} of {relevant} relevant passages are not among "
            f"the {cut_off} that mteb keeps of each query, so its scores are cut there and no rank "
            f"distance is given: make the task with top_k={self._largest_pool()}, or use hbt.rank",
            stacklevel=2,
        )

    def _largest_pool(self) -> int:
        if self.setting == "multilingual":
            return len(self.benchmark.passages)
        return int(self.benchmark.passages["language"].value_counts().max())


def _values(ranks: pd.DataFrame, metrics: list[str]) -> dict[str, float]:
    """Measures of a subset, which is one pair of query language and pool."""
    measured = measure(ranks, metrics).set_index("metric")["value"]
    return {str(name): float(value) for name, value in measured.items()}


def _subsets(benchmark: Benchmark, setting: str) -> dict[str, tuple[str, str]]:
    """Subset → query language and pool, of those in which something is to be found."""
    judged = _judged(benchmark)
    pairs = set(zip(judged["query_language"], judged["passage_language"], strict=True))
    if setting == "multilingual":
        pools = set(benchmark.passages["language"])
        wanted = {(language, ALL) for language, _ in pairs} if len(pools) > 1 else set()
    else:
        same = setting == "monolingual"
        wanted = {pair for pair in pairs if (pair[0] == pair[1]) == same}
    return {f"{language}_in_{pool}": (language, pool) for language, pool in sorted(wanted)}


def _judged(benchmark: Benchmark, language: str | None = None, pool: str = ALL) -> pd.DataFrame:
    """The relevant passages with both languages, of one query language and pool if one is named."""
    queries = benchmark.queries[["query_id", "language"]]
    passages = benchmark.passages[["passage_id", "language"]]
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    judged = judged.merge(queries.rename(columns={"language": "query_language"}))
    judged = judged.merge(passages.rename(columns={"language": "passage_language"}))
    if language is not None:
        judged = judged[judged["query_language"] == language]
    return judged if pool == ALL else judged[judged["passage_language"] == pool]


def _corpus(benchmark: Benchmark, pool: str) -> Dataset:
    """A pool as mteb has it."""
    passages = benchmark.passages
    if pool != ALL:
        passages = passages[passages["language"] == pool]
    return Dataset.from_dict(
        {
            "id": list(passages["passage_id"]),
            "text": list(passages["text"]),
            "title": [""] * len(passages),
        }
    )


def _metadata(
    benchmark: Benchmark, setting: str, pairs: Mapping[str, tuple[str, str]]
) -> TaskMetadata:
    """What mteb knows of a task; the revision is a checksum of the texts and judgements."""
    pools = sorted(benchmark.passages["language"].unique())
    languages = {
        subset: [*map(to_mteb, pools if pool == ALL else [pool]), to_mteb(language)]
        for subset, (language, pool) in pairs.items()
    }
    return TaskMetadata(
        name=f"{benchmark.name}-{setting}",
        description=f"The benchmark {benchmark.name} of hbtlib in the setting {setting}.",
        dataset={"path": f"hbtlib/{benchmark.name}", "revision": _checksum(benchmark)},
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=[SPLIT],
        eval_langs=languages,
        main_score="ndcg_at_10",
    )


def _checksum(benchmark: Benchmark) -> str:
    """A checksum of a benchmark's three tables, so that mteb's cache knows another version."""
    columns = [
        benchmark.queries[["query_id", "language", "text"]],
        benchmark.passages[["passage_id", "language", "text"]],
        benchmark.judgements[["query_id", "passage_id", "grade"]],
    ]
    parts = [
        pd.util.hash_pandas_object(table.astype("str"), index=False).to_numpy().tobytes()
        for table in columns
    ]
    return xxh3_64_hexdigest(b"".join(parts))
