"""Groups of languages: trained or unseen; by family, script, word order or resources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.checks import check_columns, check_names, check_texts
from hbtlib.languages import LANGUAGES

FEATURES = ("family", "script", "word_order", "resources")
UNKNOWN = "unknown"


def by_training(measured: pd.DataFrame, trained: Sequence[str]) -> pd.DataFrame:
    """Adds the column `languages`, which tells languages trained on from others.

    Args:
        measured: a table with query_language and pool, such as `measure`'s.
        trained: the languages trained on.

    Returns:
        The table with `languages`: `trained`, or `unseen` where the query's language or the pool's
        was not trained on. The pool of all counts as trained. With an empty list every row is
        `unseen`.

    Raises:
        ValueError: for a missing column, or languages that are no list of codes.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"query_language": ["en", "en"], "pool": ["all", "el"]})
        >>> by_training(table, ["en", "de"])["languages"].tolist()
        ['trained', 'unseen']
    """
    check_columns(measured, ["query_language", "pool"], "measured values", "hbt.measure")
    check_texts(measured, ["query_language", "pool"], "measured values")
    trained = check_names("trained", trained, "languages", some=False)
    is_trained = measured["query_language"].isin(trained)
    is_trained &= measured["pool"].isin([*trained, ALL])
    return measured.assign(languages=np.where(is_trained, "trained", "unseen"))


def by_group(measured: pd.DataFrame, feature: str) -> pd.DataFrame:
    """Adds the column `group`: what the languages of a row have in common.

    In the monolingual and the multilingual setting the group is the feature of the query's
    language. In the cross-lingual setting, which has two languages, it is `same FEATURE` or `other
    FEATURE`. A language of which this is not known is `unknown`. `summarise(…, by=["group"])` then
    averages over each group.

    Args:
        measured: a table with setting, query_language and pool, such as `measure`'s.
        feature: family (Indo-European, Turkic, …), script, word_order or resources (the class of
            Joshi et al. 2020, 0 to 5); `languages.LANGUAGES` holds them.

    Returns:
        The table with `group`.

    Raises:
        ValueError: for another feature, or a missing column.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({
        ...     "setting": ["monolingual", "cross-lingual"],
        ...     "query_language": ["de", "de"],
        ...     "pool": ["de", "ru"],
        ... })
        >>> by_group(table, "script")["group"].tolist()
        ['Latin', 'other script']
    """
    if feature not in FEATURES:
        raise ValueError(f"no feature {short(feature)}; there are {', '.join(FEATURES)}")
    columns = ["setting", "query_language", "pool"]
    check_columns(measured, columns, "measured values", "hbt.measure")
    groups = {code: _group(getattr(known, feature), feature) for code, known in LANGUAGES.items()}
    of_query = measured["query_language"].astype("str").map(groups).fillna(UNKNOWN)
    of_pool = measured["pool"].astype("str").map(groups).fillna(UNKNOWN)
    of_pair = np.where(of_query == of_pool, "same ", "other ") + feature.replace("_", " ")
    of_pair = np.where((of_query == UNKNOWN) | (of_pool == UNKNOWN), UNKNOWN, of_pair)
    is_pair = measured["setting"] == "cross-lingual"
    return measured.assign(group=np.where(is_pair, of_pair, of_query))


def _group(value: object, feature: str) -> str:
    """The name of a feature's value, without what stands in brackets behind it."""
    if value is None:
        return UNKNOWN
    name = f"class {value}" if feature == "resources" else f"{value}"
    return name.split(" (")[0]
