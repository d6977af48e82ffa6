"""The texts of a benchmark or of training pairs."""

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.ticker import MaxNLocator

from hbtlib.evaluation.checks import check_texts
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import NICE, canvas, caption
from hbtlib.plots.tables import check_table, check_trained, check_words, ordered, star, starred


def lengths(texts: pd.DataFrame, *, trained: Sequence[str] = ()) -> Figure:
    """Draws how many characters the texts of each language have, queries and passages apart.

    Boxes are quartiles with the median; whiskers reach to the last text within 1.5 times the
    box's height; texts beyond are not drawn.

    Args:
        texts: language, role (query or passage), text.
        trained: the languages that were trained on; those that were not bear a star.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, a value or rows, or has another role or no texts.
    """
    check_table(texts, "texts", ["language", "role", "text"])
    check_texts(texts, ["language", "role", "text"], "texts")
    check_words(texts, "texts", "role", ("query", "passage"))
    for column in ("language", "text"):
        if not texts[column].map(lambda text: isinstance(text, str)).all():
            raise ValueError(f"the texts have a column {column!r} with values that are no texts")
    trained = check_trained(trained)
    codes = ordered(texts["language"].unique(), trained)
    figure, [[axes]] = canvas(1.2 + 0.55 * len(codes), 3.0)
    sns.boxplot(
        texts,
        x="language",
        y=texts["text"].str.len(),
        hue="role",
        order=codes,
        ax=axes,
        showfliers=False,
        linewidth=0.8,
        palette={"query": "#4477AA", "passage": "#DDAA77"},
    )
    axes.set_xticks(range(len(codes)), [star(code, trained) for code in codes])
    axes.set(xlabel="language", ylabel="characters a text", ylim=(0, None))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=NICE))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    axes.legend().remove()  # inside the panel it would lie over the boxes
    caption(figure, ["* never trained on."] * starred(codes, trained))
    return figure
