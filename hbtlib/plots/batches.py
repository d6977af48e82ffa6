"""The batches of a training run, as the published study draws them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from hbtlib.checks import check_integer, short
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import TINY, canvas, language_colours
from hbtlib.plots.tables import ordered
from hbtlib.sampling.plan import BatchPlan


def batch_picture(plan: BatchPlan, *, batches: int = 8, pairs: int = 16, title: str = "") -> Figure:
    """Draws the first batches of a plan: a row a batch, a box a pair.

    The left half of a box is the query's language, its right half the passage's: one colour where
    they are the same. This is Figure 2 of the published study (arXiv 2408.10536).

    Args:
        plan: a `hbtlib.BatchPlan`.
        batches: how many to draw.
        pairs: how many of each to draw.
        title: of the picture.

    Returns:
        The picture.

    Raises:
        ValueError: the plan is none, or a number is not a whole one from 1 up.
    """
    if not isinstance(plan, BatchPlan):
        raise ValueError(f"the plan is {short(plan)}; give an hbtlib.BatchPlan")
    check_integer("batches", batches, minimum=1)
    check_integer("pairs", pairs, minimum=1)
    colours = language_colours(ordered(plan.languages))
    figure, [[axes]] = canvas(1.7 + 0.5 * pairs, 0.9 + 0.33 * batches)
    names = []
    for row in range(batches):
        batch = plan[row]
        names.append(f"batch {row}: {batch.kind}")
        for i in range(min(pairs, len(batch))):
            for x, language in (
                (i, batch.query_languages[i]),
                (i + 0.45, batch.passage_languages[i]),
            ):
                _draw_half(axes, x, row, str(language), colours[str(language)])
    axes.set(
        title=title,
        xlim=(0, pairs),
        ylim=(batches, -0.1),
        xticks=[],
        xlabel=f"the first {pairs} of {plan.batch_size} pairs (query | passage)",
    )
    axes.set_yticks(np.arange(batches) + 0.42, names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _draw_half(
    axes: Axes, x: float, row: int, language: str, colour: tuple[float, float, float]
) -> None:
    """Draws half a pair's box, with its language's code in it."""
    axes.add_patch(Rectangle((x, row), 0.45, 0.84, color=colour, lw=0))
    axes.text(
        x + 0.225,
        row + 0.43,
        language,
        ha="center",
        va="center_baseline",
        fontsize=TINY,
        color="white",
    )
