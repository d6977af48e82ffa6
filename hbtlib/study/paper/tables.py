"""The numbers of the published study (arXiv 2408.10536), read from `results/paper/tables.csv`.

Its multilingual recall, which the paper prints under "R@1", is R@10.
"""

import pandas as pd

from hbtlib.checks import check_integer
from hbtlib.study.project import project_folder

STRATEGIES = ("x-x-mono", "x-y", "hybrid")
"""The strategies that the paper compares."""

METRICS = ("mAP", "R@1", "R@10", "nDCG@10", "R@100", "rank-distance")
"""The metrics that it prints."""

DISTANCE = "rank-distance"
"""The rank distance: of these metrics the one that is better when lower. Its unit is ranks."""

AVERAGES = ("mean", "median")
"""What stands in the column `language` for averages over query languages."""

ROW = ["table", "dataset", "model", "setting", "metric"]
"""The columns that name one row of the comparison of strategies."""

CELL = ["dataset", "model", "setting", "metric", "language", "strategy"]
"""The columns that name one number."""

DERIVED: dict[int, tuple[int, ...]] = {1: (3, 4, 5, 6, 12, 13), 2: (7, 8)}
"""The paper's tables that are the mean rows of others, and these others."""

FORMS: dict[str, tuple[int, ...]] = {
    "Table 1": (1,),
    "Table 2": (2,),
    "Tables 3–6": (3, 4, 5, 6),
    "Tables 7 and 8": (7, 8),
    "Tables 12 and 13": (12, 13),
}
"""Its tables of one form: the means, the mean rank distances, by query language in three settings,
the rank distance by query language, and one language at a time."""

NAMES = {
    "xquad-r": "XQuAD-R",
    "mlqa-r": "MLQA-R",
    "miracl-dev": "MIRACL",
    "xlm-r": "XLM-R",
    "labse": "LaBSE",
}
"""The datasets and models of the tables, as the paper writes them."""


def paper_tables(table: int | None = None) -> pd.DataFrame:
    """Returns the published numbers, one a row.

    Tables 1 and 2 are derived: they are the mean rows of tables 3 to 6, 12 and 13 (mAP and recall;
    nDCG@10 and R@100), and those of tables 7 and 8 (rank distance).

    Args:
        table: One of the paper's tables (1 to 8, 12 or 13). None: all that are not derived.

    Returns:
        The columns table, dataset, model, setting, metric, language, strategy and value.
        `language` is the query's, or `mean` and `median` as printed. Values are between 0 and 1,
        rank distances in ranks (lower is better).

    Raises:
        ValueError: The paper has no such table.
        FileNotFoundError: There is no project here to read the tables from.
    """
    tables = pd.read_csv(
        project_folder() / "results" / "paper" / "tables.csv",
        dtype={"table": int, "value": float},
    )
    if table is None:
        return tables
    table = check_integer("table", table)
    if table in DERIVED:
        means = tables[tables["table"].isin(DERIVED[table]) & (tables["language"] == "mean")]
        return means.assign(table=table).reset_index(drop=True)
    if table not in set(tables["table"]):
        known = sorted({*DERIVED, *tables["table"]})
        raise ValueError(
            f"no published table {table!r} here; there are {', '.join(map(str, known))}"
        )
    return tables[tables["table"] == table].reset_index(drop=True)
