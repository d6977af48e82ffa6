"""Tables that the tests of the pictures draw, and what they read off a figure."""

from itertools import combinations, product

import numpy as np
import pandas as pd
from conftest import random_benchmark
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from hbtlib.search.ranking import rank_vectors

SETTINGS = ("monolingual", "cross-lingual", "multilingual")


def some_ranks(languages: int = 4) -> pd.DataFrame:
    benchmark, queries, passages = random_benchmark(3, languages=languages, ties=False)
    return rank_vectors(queries, passages, benchmark)


def some_alphas() -> pd.DataFrame:
    """Hybrid at three values of α by batch and by pair, and the strategies at its ends."""
    rng = np.random.default_rng(0)
    keys = ["alpha", "level", "seed", "languages", "setting", "metric"]
    rows = product(
        (0.0, 0.25, 0.5, 0.75, 1.0), ("batch", "pair"), (0, 1, 2), ("trained",), SETTINGS[1:]
    )
    table = pd.DataFrame([(*row, "mAP") for row in rows], columns=keys)
    table = table.assign(value=rng.uniform(0.3, 0.5, len(table)))
    start = table["alpha"] == 0  # x-y is one run, whatever the level
    same = table[start & (table["level"] == "batch")].drop(columns="level")
    pair = same.assign(level="pair")
    return pd.concat([table[~start | (table["level"] == "batch")], pair], ignore_index=True)


def some_sizes() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = product((500, 1000, 2000), ("x-y", "hybrid"), (0, 1, 2), ("trained", "unseen"), SETTINGS)
    table = pd.DataFrame(rows, columns=["ids", "arm", "seed", "languages", "setting"])
    return table.assign(metric="mAP", value=rng.uniform(0.3, 0.5, len(table)))


def some_progress() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    rows = product((0, 500_000, 1_000_000), ("hybrid", "masked-lm then x-x-mono"), (0, 1), SETTINGS)
    table = pd.DataFrame(rows, columns=["tokens", "arm", "seed", "setting"])
    return table.assign(languages="trained", metric="mAP", value=rng.uniform(0.3, 0.5, len(table)))


def some_models() -> pd.DataFrame:
    """Runs over the size of a model."""
    rng = np.random.default_rng(7)
    rows = product(("monolingual", "code-switched"), ("hybrid", "x-x"), (1e4, 1e5, 1e6), (0, 1))
    table = pd.DataFrame(rows, columns=["panel", "arm", "size", "seed"])
    return table.assign(value=rng.uniform(0.3, 0.5, len(table)), fitted=True)


def some_laws() -> pd.DataFrame:
    """What a law says of these sizes and of larger ones."""
    rows = product(("monolingual", "code-switched"), ("hybrid", "x-x"), (1e4, 1e6, 1e10))
    table = pd.DataFrame(rows, columns=["panel", "arm", "size"])
    return table.assign(value=0.4, low=0.3, high=0.6)


def some_mixtures() -> pd.DataFrame:
    """Scores over how far queries are mixed."""
    rng = np.random.default_rng(8)
    rows = product(("hi and en", "de and en"), ("hybrid", "x-x"), ("0", "50", "100"), (0, 1))
    table = pd.DataFrame(rows, columns=["panel", "arm", "degree", "seed"])
    return table.assign(value=rng.uniform(0.3, 0.5, len(table)))


def some_shares() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        product(("hybrid", "x-y"), ("de", "el", "zh"), ("de", "el", "zh")),
        columns=["arm", "query_language", "passage_language"],
    ).assign(share=rng.uniform(1, 2, 18))
    sums = table.groupby(["arm", "query_language"])["share"].transform("sum")
    return table.assign(share=table["share"] / sums)


def some_points() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        product(("hybrid", "x-y"), ("query", "passage"), ("de", "el", "zh"), range(4)),
        columns=["arm", "role", "language", "question_id"],
    )
    table[["x", "y", "centroid_x", "centroid_y"]] = rng.normal(size=(len(table), 4))
    shares = np.where(table["arm"] == "x-y", 0.125, 0.5)
    return table.assign(benchmark="made", language_share=shares)


def some_effects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "what": ["a − b", "a − c", "a − b"],
            "setting": ["monolingual", "monolingual", "multilingual"],
            "difference": [0.1, -0.2, 0.05],
            "low": [0.05, -0.3, -0.1],
            "high": [0.15, -0.1, 0.2],
            "p_holm": [0.01, 0.05, 0.2],
        }
    )


def some_groups() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        product(("Turkic", "Uralic"), ("x-y", "mine", "yours"), (0, 1), SETTINGS[:2], ("mAP",)),
        columns=["group", "arm", "seed", "setting", "metric"],
    )
    return table.assign(value=rng.uniform(size=len(table)))


def some_biases(arms: tuple[str, ...], seeds: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        product(arms, range(seeds), ("de", "el", "zh"), ("rank-distance",)),
        columns=["arm", "seed", "query_language", "measure"],
    )
    return table.assign(value=rng.uniform(50, 150, len(table)))


def numbers(figure: Figure) -> list[str]:
    """The texts in the figure's panels."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def caption(figure: Figure) -> str:
    """The sentences under the figure, in one line."""
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def row_names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def column_names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def overlapping(figure: Figure, texts: list[Text]) -> list[tuple[str, str]]:
    """The pairs of texts that lie over each other where the figure is drawn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in texts]
    return [(a, b) for (a, one), (b, two) in combinations(boxes, 2) if one.overlaps(two)]
