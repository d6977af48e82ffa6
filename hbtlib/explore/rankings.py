"""The ranking of one query in the pool of all languages, and why each passage stands where it does.

A run keeps the first passages of each query, and the rank and score of every relevant passage. What
else is shown follows from these. A passage's rank in the pool of all languages is its rank in the
pool of its own language plus the number of passages of other languages before it: so the rank in
its own pool can be counted within the first passages.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbtlib.data.benchmark import ALL
from hbtlib.plots.style import short

COLUMNS = [
    "rank",
    "passage_id",
    "language",
    "relevant",
    "score",
    "own_rank",
    "others",
    "at_most",
    "at_least",
]


def joint_ranking(ranks: pd.DataFrame, top: pd.DataFrame | None, query_id: str) -> pd.DataFrame:
    """Puts together what is known of a query's ranking of all languages.

    Args:
        ranks: A table of `hbt.rank` of one run and benchmark.
        top: The first passages of each query in the pool of all languages (query_id, rank,
            passage_id, passage_language); None if the run did not keep them.
        query_id: The query.

    Returns:
        A row a passage, in the order of their ranks: rank, passage_id, language, relevant, score
        (NaN where the run did not keep it), own_rank (the rank in the pool of the passage's
        language; NaN if that pool was not ranked), others (how many passages of other languages
        stand before it), at_most and at_least (the scores of the relevant passages next to it,
        between which its own lies; NaN where there is none).

    Raises:
        ValueError: There are no ranks of this query.
    """
    own = ranks[ranks["query_id"] == query_id]
    if own.empty:
        raise ValueError(f"no ranks of the query {query_id!r}; choose one that was ranked")
    relevant = _relevant(own)
    if top is None:
        table = relevant
    else:
        first = _first(top[top["query_id"] == query_id])
        first = first[~first["passage_id"].isin(relevant["passage_id"])]
        table = pd.concat([relevant, first]) if len(first) else relevant
    table = table.sort_values(["rank", "passage_id"]).reset_index(drop=True)
    table["others"] = table["rank"] - table["own_rank"]
    table["at_most"] = table["score"].ffill()
    table["at_least"] = table["score"].bfill()
    return table[COLUMNS]


def _relevant(own: pd.DataFrame) -> pd.DataFrame:
    """The relevant passages of one query: their ranks among all and among their own language."""
    columns = ["passage_id", "passage_language", "rank", "score"]
    joint = own.loc[own["pool"] == ALL, columns].astype({"passage_id": "str"})
    in_own_pool = own["pool"].astype("str") == own["passage_language"].astype("str")
    alone = own[in_own_pool].astype({"passage_id": "str"}).set_index("passage_id")["rank"]
    return pd.DataFrame(
        {
            "rank": joint["rank"].to_numpy(np.float64),
            "passage_id": joint["passage_id"].to_numpy(),
            "language": joint["passage_language"].astype("str").to_numpy(),
            "relevant": True,
            "score": joint["score"].to_numpy(np.float64),
            "own_rank": joint["passage_id"].map(alone).to_numpy(np.float64),
        }
    )


def _first(top: pd.DataFrame) -> pd.DataFrame:
    """The first passages of one query, each with its rank among those of its language."""
    top = top.sort_values("rank")
    language = top["passage_language"].astype("str")
    return pd.DataFrame(
        {
            "rank": top["rank"].astype("float64"),
            "passage_id": top["passage_id"].astype("str"),
            "language": language,
            "relevant": False,
            "score": np.nan,
            "own_rank": top.groupby(language).cumcount().astype("float64") + 1,
        }
    )


def why(row: pd.Series) -> str:
    """Says why a passage stands where it does.

    Args:
        row: A row of `joint_ranking`.

    Returns:
        A few words, such as `score .56 · 2nd of the ar passages · 17 of other languages before it`.
    """
    parts = [_score(row)]
    if not np.isnan(row["own_rank"]):
        parts.append(f"{ordinal(int(row['own_rank']))} of the {row['language']} passages")
        count = int(row["others"])
        before = (
            f"{count:,} of other languages before it" if count else "no other language before it"
        )
        parts.append(before)
    return " · ".join(part for part in parts if part)


def _score(row: pd.Series) -> str:
    """The score of a passage, or what is known of it."""
    if not np.isnan(row["score"]):
        return f"score {_number(row['score'])}"
    above, below = row["at_most"], row["at_least"]
    if np.isnan(above):
        return "" if np.isnan(below) else f"score {_number(below)} or more"
    if np.isnan(below):
        return f"score {_number(above)} or less"
    if above == below:
        return f"score {_number(above)}"
    return f"score {_number(below)} to {_number(above)}"


def _number(score: float) -> str:
    return short(round(score, 2) + 0.0)  # −0.001 is 0, not −0


def ordinal(number: int) -> str:
    """Writes a number as an ordinal.

    Args:
        number: A whole number.

    Returns:
        The text.

    Example:
        >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 1021, 1112)]
        ['1st', '2nd', '3rd', '4th', '11th', '1,021st', '1,112th']
    """
    teens = 10 <= number % 100 <= 20
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def ranking_says(table: pd.DataFrame) -> str:
    """Says in a sentence what a ranking is like.

    Args:
        table: `joint_ranking`'s table.

    Returns:
        The sentence.
    """
    found = table[table["relevant"]]
    if found.empty:
        return "No passage of the pool of all languages is relevant to this query."
    best = found.iloc[0]
    last = found.iloc[-1]
    said = f"The first relevant passage ({best['language']}) has rank {best['rank']:,.0f}"
    if len(found) > 1:
        said += f", the last of {len(found)} ({last['language']}) rank {last['rank']:,.0f}"
    return said + "."
