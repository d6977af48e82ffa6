"""The look that all pictures share: colours, sizes, figures with their panels, and captions."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from textwrap import wrap
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from hbtlib.checks import short as described
from hbtlib.plots.saving import SAVED_DPI, Figure

SMALL, TINY = 8.0, 7.0  # font sizes in points, beside the usual 9
NICE = [1, 2, 2.5, 5, 10]  # steps between ticks that are easily read

matplotlib.rcParams.update(
    {
        "font.family": "DejaVu Sans",  # matplotlib brings it: the same picture on every machine
        "font.size": 9,
        "pdf.fonttype": 42,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "figure.labelsize": 9,
        "figure.dpi": 100,
        "savefig.dpi": SAVED_DPI,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "svg.hashsalt": "hbtlib",
        "hatch.linewidth": 0.6,
    }
)

# A colour a strategy, the same in all pictures (Paul Tol's schemes, safe for colour-blind readers).
COLOURS: dict[str, str] = {
    "x-x-mono": "#4477AA",
    "x-x": "#66CCEE",
    "x-y": "#CC6677",
    "x-y-mono": "#DDAA77",
    "x-en": "#AA4499",
    "en-en": "#999999",
    "hybrid": "#228833",
    "none": "#BBBBBB",
}
_SPARE = ("#CCBB44", "#AA3377", "#332288", "#44AA99", "#994F00", "#EE7733", "#BB88DD")
HIGHER, LOWER = "#1B7837", "#762A83"  # differences above and below 0: the ends of PRGn

# A colour a language, the same in all pictures. They were found by simulated annealing: all are
# dark enough for white text, and the smallest distance of two (in OKLab, as seen with normal sight,
# deuteranopia, protanopia and tritanopia) is as large as could be, first among the eleven
# languages of XQuAD-R, then among all twenty.
_LANGUAGES = {
    "ar": "#A50F5A",
    "de": "#D24BB4",
    "el": "#00872D",
    "en": "#5A004B",
    "es": "#1E6987",
    "hi": "#782DB4",
    "ru": "#0F3C0F",
    "th": "#784B0F",
    "tr": "#D24B00",
    "vi": "#0F1E96",
    "zh": "#4B78FF",
    "bn": "#693C78",
    "fa": "#A55AE1",
    "fi": "#698769",
    "fr": "#2D5A3C",
    "id": "#3C4BD2",
    "ja": "#966996",
    "ko": "#4B87B4",
    "sw": "#780F1E",
    "te": "#B40F00",
}


def language_colours(codes: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Gives every language its colour, which is the same in every picture.

    White text can be read on each of them. The twenty languages of `hbtlib.languages.TWENTY` have
    colours that can be told apart; every other code gets a hue that depends on nothing but the
    code.

    Args:
        codes: language codes.

    Returns:
        code → red, green and blue, each 0 to 1.

    Raises:
        ValueError: the codes are no list of texts.
    """
    return {code: _language_colour(code) for code in check_codes(codes)}


def check_codes(codes: object) -> list[str]:
    """Returns language codes as a list of texts; ValueError for anything else.

    A code may occur several times, as in a column of a table.
    """
    single = isinstance(codes, str | bytes) or (isinstance(codes, np.ndarray) and codes.ndim != 1)
    if single or isinstance(codes, Mapping | pd.DataFrame) or not isinstance(codes, Iterable):
        raise ValueError(f"codes is {described(codes)}; it must be a list of language codes")
    known = list(codes)
    for code in known:
        if not isinstance(code, str):
            raise ValueError(
                f"codes has {described(code)} in it; it must be a list of language codes"
            )
    return [str(code) for code in known]


def _language_colour(code: str) -> tuple[float, float, float]:
    if code in _LANGUAGES:
        return to_rgb(_LANGUAGES[code])
    hue = zlib.crc32(code.encode()) % 360 / 360  # Python's own hash differs between processes
    [colour] = sns.husl_palette(1, h=hue, s=0.75, l=0.45)
    return to_rgb(colour)


def arm_colours(arms: Iterable[str]) -> dict[str, str]:
    """Gives every arm a colour: its strategy's, or a spare one where it is named after none.

    Args:
        arms: names of arms.

    Returns:
        arm → colour, in the order given.
    """
    spare = cycle(_SPARE)
    return {arm: COLOURS.get(arm) or next(spare) for arm in arms}


def short(value: float, signed: bool = False, digits: int = 2) -> str:
    """Writes a number in as few characters as can be read: `.25`, `1.00`, `+.03`, `12,345`.

    Args:
        value: the number.
        signed: whether a plus sign stands before numbers that are not negative.
        digits: how many stand after the point, for numbers below 10.

    Returns:
        The number's text; "−" is a proper minus sign.
    """
    places = digits if abs(value) < 10 else 0
    text = f"{value:{'+' if signed else ''},.{places}f}".replace("-", "−")
    head = text.lstrip("+−")
    return text.replace("0.", ".", 1) if head.startswith("0.") else text


def canvas(
    width: float, height: float, rows: int = 1, columns: int = 1, **shared: Any
) -> tuple[Figure, NDArray[Any]]:
    """Makes a figure with a grid of panels.

    Args:
        width: of the figure, in inches.
        height: of the figure, in inches.
        rows: of panels.
        columns: of panels.
        shared: sharex, sharey and other arguments of matplotlib's `Figure.subplots`.

    Returns:
        The figure, and its Axes by row and column.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def row_lengths(count: int, most: int) -> list[int]:
    """Divides panels into rows that are as long as each other: from 3 a row on, none stands alone.

    Args:
        count: how many panels there are.
        most: how many stand beside each other at most.

    Returns:
        How many panels each row has, long rows first.

    Example:
        >>> [row_lengths(count, most=3) for count in (3, 4, 5, 7)]
        [[3], [2, 2], [3, 2], [3, 2, 2]]
    """
    rows = -(-count // most)
    shortest, longer = divmod(count, rows)
    return [shortest + 1] * longer + [shortest] * (rows - longer)


def panels(
    names: Sequence[str], most: int, size: tuple[float, float], margin: tuple[float, float]
) -> tuple[Figure, dict[str, Axes]]:
    """Makes a figure with a panel a name; shorter rows of panels are centred.

    Args:
        names: of the panels.
        most: how many stand beside each other at most.
        size: of a panel, width and height in inches.
        margin: what the figure has besides its panels, width and height in inches.

    Returns:
        The figure, and name → Axes.
    """
    lengths = row_lengths(len(names), most)
    longest, count = max(lengths), len(lengths)
    figure = Figure(
        figsize=(margin[0] + size[0] * longest, margin[1] + size[1] * count), layout="constrained"
    )
    halves = figure.add_gridspec(count, 2 * longest)  # a panel is two columns wide
    axes = []
    for row, length in enumerate(lengths):
        start = longest - length
        for left in range(start, start + 2 * length, 2):
            axes.append(figure.add_subplot(halves[row, left : left + 2]))
    return figure, dict(zip(names, axes, strict=True))


def caption(figure: Figure, sentences: Sequence[str]) -> None:
    """Writes sentences under the figure, which grows by as much as they need.

    Args:
        figure: the picture, with nothing but its layout to be done.
        sentences: what the picture needs to be understood; none: nothing happens.
    """
    if not sentences:
        return
    width, height = figure.get_size_inches()
    lines = wrap("  ".join(sentences), int(width / (0.0076 * SMALL)))  # inches a character
    needed = 0.08 + len(lines) * 1.25 * SMALL / 72
    figure.set_size_inches(width, height + needed)
    share = needed / (height + needed)
    figure.set_layout_engine("constrained", rect=(0, share, 1, 1 - share))
    figure.text(0.06 / width, 0, "\n".join(lines), fontsize=SMALL, va="bottom", color="#333333")


def rounded_up(value: float) -> float:
    """Rounds a limit up to a number that is easily said: a fifth of its power of ten at most.

    Args:
        value: the largest number to be shown.

    Returns:
        The limit; 1 where the value is not above 0.

    Example:
        >>> rounded_up(0.831), rounded_up(0.1), rounded_up(10833)
        (0.84, 0.1, 12000.0)
    """
    if not value > 0:
        return 1.0
    step = 10 ** np.floor(np.log10(value)) / 5
    steps = np.ceil(round(value / step, 6))  # rounded, or 0.1 + 1e-17 would be above 0.1
    return float(np.round(steps * step, 12))
