"""The language bias of one encoder on one benchmark, from its vectors: every measure as a table.

`measure_vectors` ranks once and measures everything, `measure_ranks` does so of a ranking that is
there; `changes` compares two of its results on the
same benchmark, such as those before and after a map. The study `encoders` keeps these tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from hbtlib.checks import check_integer
from hbtlib.data.benchmark import ALL, SETTINGS, Benchmark
from hbtlib.evaluation.bias import bias, favoured, top_shares
from hbtlib.evaluation.macro_intervals import Cells, Estimate, estimate, estimate_change
from hbtlib.evaluation.metrics import measure, per_query
from hbtlib.evaluation.multilingual_pool import MultilingualPool
from hbtlib.evaluation.units import units
from hbtlib.search.matrix import Matrix
from hbtlib.search.ranking import rank_vectors, top

TOP = 10
"""How many passages that lead a query's ranking are looked at for their language."""

OWN_IN_TOP = f"own-language-top@{TOP}"


@dataclass(frozen=True)
class Measured:
    """What an encoder's vectors do on a benchmark.

    Attributes:
        benchmark: its name.
        scores: a row a measure: measure, setting, value, low, high (the 95 % bootstrap interval
            over units of questions), chance (what a random ranking, or one that treats languages
            alike, would give; NaN where that is not looked at). A value is the mean over query
            languages, or over pairs of query language and pool, each counting once. The measures
            are mAP in the three settings; rank-distance and rank-distance-relative (1 is chance);
            own-language-first (how often the best-ranked relevant passage is in the query's
            language) and own-language-preference (that over chance); own-language-top@10 (the share
            of the ten best passages that is in the query's language). What says nothing of a
            benchmark (the rank distance where every query has one relevant passage) is left out.
        pairs: the mAP of every pair: `hbt.measure`'s columns.
        languages: all measures of bias by query language: `hbt.bias`'s columns.
        favoured: which passage languages come first: `hbt.favoured`'s columns.
        shares: which languages fill the top 10: `hbt.top_shares`' columns.
        ranks: `hbt.rank_vectors`' table, of which all this is.
        cells: (measure, setting) → the sums of which a score is made, for `changes`.
    """

    benchmark: str
    scores: pd.DataFrame
    pairs: pd.DataFrame
    languages: pd.DataFrame
    favoured: pd.DataFrame
    shares: pd.DataFrame
    ranks: pd.DataFrame = field(repr=False)
    cells: dict[tuple[str, str], Cells] = field(repr=False)

    def score(self, name: str, setting: str = "multilingual") -> Estimate:
        """One score with its interval.

        Args:
            name: a measure of `scores`.
            setting: its setting.

        Returns:
            Value, low and high.

        Raises:
            ValueError: if the benchmark says nothing of this measure.
        """
        found = self.scores[(self.scores["measure"] == name) & (self.scores["setting"] == setting)]
        if found.empty:
            raise ValueError(f"{self.benchmark} has no {name} in the setting {setting}")
        row = found.iloc[0]
        return Estimate(float(row["value"]), float(row["low"]), float(row["high"]))


def measure_vectors(
    query_vectors: Matrix,
    passage_vectors: Matrix,
    benchmark: Benchmark,
    *,
    samples: int = 2000,
    seed: int = 0,
) -> Measured:
    """Measures retrieval and language bias from the vectors of a benchmark's texts.

    Args:
        query_vectors: (Q, d), rows in the order of the benchmark's queries; of unit length, if the
            cosine is what ranks.
        passage_vectors: (N, d), rows in the order of its passages.
        benchmark: the queries, passages and judgements, in two languages or more.
        samples: how many samples the bootstrap draws for an interval.
        seed: of the random draws.

    Returns:
        All measures, as tidy tables.

    Raises:
        ValueError: if the vectors are not those of the benchmark's texts, or it has one language.

    Example:
        One question in two languages; each query finds the passage in its own language first.

        >>> import hbtlib as hbt, numpy as np, pandas as pd
        >>> texts = pd.DataFrame({"language": ["de", "en"], "text": ["Rom", "Rome"]})
        >>> benchmark = hbt.Benchmark(
        ...     "tiny",
        ...     texts.assign(query_id=["q-de", "q-en"], question_id="q"),
        ...     texts.assign(passage_id=["p-de", "p-en"]),
        ...     pd.DataFrame({
        ...         "query_id": ["q-de", "q-de", "q-en", "q-en"],
        ...         "passage_id": ["p-de", "p-en", "p-de", "p-en"],
        ...     }),
        ... )
        >>> found = hbt.study.measure_vectors(np.eye(2), np.eye(2), benchmark)
        >>> found.score("own-language-first").value
        1.0
    """
    ranks = rank_vectors(query_vectors, passage_vectors, benchmark)
    best = top(query_vectors, passage_vectors, benchmark, k=TOP)
    return measure_ranks(ranks, best, benchmark, samples=samples, seed=seed)


def measure_ranks(
    ranks: pd.DataFrame,
    best: pd.DataFrame,
    benchmark: Benchmark,
    *,
    samples: int = 2000,
    seed: int = 0,
) -> Measured:
    """Measures retrieval and language bias of any ranking of a benchmark, such as BM25's.

    Args:
        ranks: a table of `hbt.rank`, `hbt.rank_vectors` or `hbt.rank_scores`.
        best: the ten best passages of every query: a table of `hbt.top` or `hbt.top_scores`.
        benchmark: what was ranked, in two languages or more.
        samples: how many samples the bootstrap draws for an interval.
        seed: of the random draws.

    Returns:
        All measures, as tidy tables.

    Raises:
        ValueError: if the tables are not of this benchmark, `best` is not ten deep, or the
            benchmark has one language.
    """
    check_integer("samples", samples, minimum=1)
    _check_same(ranks, best, benchmark)
    pool = MultilingualPool(ranks)
    unit_of = pd.Series(units(ranks))
    tables = dict(_terms(ranks, best, pool, benchmark))
    cells, rows = {}, []
    for (name, setting), table in tables.items():
        keys = ["query_language", *(["pool"] if "pool" in table else [])]
        cells[name, setting] = Cells.of(table.assign(unit=table["question_id"].map(unit_of)), keys)
        found = estimate(cells[name, setting], samples, seed)
        chance = table.groupby("query_language")["chance"].mean().mean()
        rows.append({"measure": name, "setting": setting, **found._asdict(), "chance": chance})
    return Measured(
        benchmark=benchmark.name,
        scores=pd.DataFrame(rows),
        pairs=measure(ranks, ["mAP"]),
        languages=bias(ranks, best),
        favoured=favoured(ranks),
        shares=top_shares(best),
        ranks=ranks,
        cells=cells,
    )


def _check_same(ranks: pd.DataFrame, best: pd.DataFrame, benchmark: Benchmark) -> None:
    """Raises ValueError if the tables are of another benchmark or of another depth."""
    for what, table in (("ranks", ranks), ("best passages", best)):
        named = set(table["benchmark"].astype("str")) if "benchmark" in table else set()
        if named != {benchmark.name}:
            raise ValueError(
                f"the {what} are of {', '.join(sorted(named)) or 'nothing'}, not of "
                f"{benchmark.name}: give the tables of one ranking of it"
            )
    depth = min(TOP, len(benchmark.passages))
    if int(best["rank"].max()) != depth:
        raise ValueError(
            f"the best passages are given down to {best['rank'].max()}, where {depth} are looked "
            f"at: list them with k={TOP}"
        )


def changes(
    before: Measured, after: Measured, *, samples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """How every score changes from one ranking of a benchmark to another.

    Args:
        before: what `measure_vectors` gave for one.
        after: what it gave for the other, on the same benchmark.
        samples: how many samples the bootstrap draws for an interval.
        seed: of the random draws.

    Returns:
        measure, setting, change (after minus before), low, high: its 95 % interval, of the same
        units of questions for both.

    Raises:
        ValueError: if the two are not of the same queries.
    """
    if before.benchmark != after.benchmark or before.cells.keys() != after.cells.keys():
        raise ValueError(
            f"the two rankings are of {before.benchmark} and {after.benchmark}, with other "
            "queries: they cannot be compared"
        )
    rows = []
    for (name, setting), cells in before.cells.items():
        found = estimate_change(cells, after.cells[name, setting], samples, seed)
        rows.append(
            {
                "measure": name,
                "setting": setting,
                "change": found.value,
                "low": found.low,
                "high": found.high,
            }
        )
    return pd.DataFrame(rows)


def _terms(
    ranks: pd.DataFrame, best: pd.DataFrame, pool: MultilingualPool, benchmark: Benchmark
) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """For every measure and setting what each query has (above), could have (below), by chance."""
    precision = per_query(ranks, ["mAP"])
    precision = precision.assign(above=precision["mAP"], below=1.0, chance=np.nan)
    for setting in SETTINGS:
        of_setting = precision[precision["setting"] == setting]
        if len(of_setting):
            yield ("mAP", setting), of_setting
    queries = _named_queries(pool, ranks)
    joint = "multilingual"
    if (queries["chance"] > 0).any():  # else every query has one relevant passage
        distance = queries.assign(above=queries["distance"], below=1.0)
        yield ("rank-distance", joint), distance
        relative = distance.assign(below=queries["chance"], chance=1.0)
        yield ("rank-distance-relative", joint), relative
    own = queries.dropna(subset=["own_share"])
    if (own["own_share"] < 1).any():  # else there is no other language to prefer
        first = own.assign(above=own["own_first"].astype(float), below=1.0, chance=own["own_share"])
        yield ("own-language-first", joint), first
        yield ("own-language-preference", joint), first.assign(below=own["own_share"], chance=1.0)
    yield (OWN_IN_TOP, joint), _own_in_top(best, benchmark)


def _named_queries(pool: MultilingualPool, ranks: pd.DataFrame) -> pd.DataFrame:
    """The pool's queries with their question's id."""
    # The pool numbers queries in the order in which they come first in the ranks.
    joint = ranks[ranks["pool"] == ALL].drop_duplicates("query_id")
    names = joint[["question_id", "query_language"]].astype("str").reset_index(drop=True)
    return pool.queries.reset_index(drop=True).join(names)


def _own_in_top(best: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """How many of each query's ten best passages are in its language."""
    question = benchmark.queries.set_index("query_id")["question_id"]
    pool_share = benchmark.passages["language"].value_counts(normalize=True)
    is_own = best["query_language"].astype("str") == best["passage_language"].astype("str")
    table = best.assign(is_own=is_own).groupby(["query_id", "query_language"], observed=True)
    counts = table["is_own"].agg(["sum", "size"]).reset_index()
    language = counts["query_language"].astype("str")
    return pd.DataFrame(
        {
            "question_id": counts["query_id"].astype("str").map(question),
            "query_language": language,
            "above": counts["sum"].astype(float),
            "below": counts["size"].astype(float),
            "chance": language.map(pool_share).fillna(0.0).astype(float),
        }
    )
