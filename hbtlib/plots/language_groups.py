"""A metric by group of languages: families, scripts, or trained and unseen ones."""

import pandas as pd
from matplotlib.ticker import MaxNLocator

from hbtlib.data.benchmark import SETTINGS
from hbtlib.plots.rows import arm_dots, arm_legend, row_height, row_panels
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import NICE, arm_colours, caption
from hbtlib.plots.tables import check_words, checked


def groups(table: pd.DataFrame, metric: str = "mAP") -> Figure:
    """Draws a metric by group of languages: a row a group, a panel a setting, a dot an arm.

    Large dots are means over seeds, small ones the seeds. Every panel has a scale of its own,
    which includes 0.

    Args:
        table: group (a value of the feature: a family, a script, …), arm, seed, setting, metric,
            value. Groups stand from top to bottom in the table's order, arms likewise.
        metric: which one to draw.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column or the metric, or has several values of a group, arm,
            seed and setting.
    """
    keys = ["group", "arm", "seed", "setting"]
    chosen = checked(table, "groups", ["value"], keys, missing=["value"], metric=metric)
    check_words(chosen, "groups", "setting", SETTINGS)
    arms = list(chosen["arm"].unique())
    settings = [setting for setting in SETTINGS if setting in set(chosen["setting"])]
    names = list(chosen["group"].unique())
    figure, parts, rows = row_panels(settings, list(map(str, names)), 2.3, row_height(len(arms)))
    rows.index = pd.Index(names)
    for setting, axes in parts.items():
        here = chosen[chosen["setting"] == setting]
        arm_dots(axes, here, "group", rows, arm_colours(arms))
        lowest, highest = here["value"].min(), here["value"].max()
        span = max(highest, 0.0) - min(lowest, 0.0) or 1.0
        axes.set_xlim(min(lowest, 0.0) - 0.03 * span, highest + 0.05 * span)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=NICE))
        axes.set_xlabel(metric)
    arm_legend(figure, axes)
    notes = ["Every panel has a scale of its own, which includes 0."] if len(settings) > 1 else []
    if len(chosen["seed"].unique()) > 1:
        notes.append("Large: means over seeds; small dots: the seeds.")
    caption(figure, notes)
    return figure
