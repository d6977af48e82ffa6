"""The shared look: colours that are told apart, rows of panels, captions, numbers."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from picture_tables import caption

from hbtlib import plots
from hbtlib.languages import EVALUATED, LANGUAGES, TWENTY
from hbtlib.plots import style

Floats = NDArray[np.float64]
# What colour-blind readers see, of linear red, green and blue (Machado et al. 2009, severity 1).
SIGHT = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: object) -> Floats:
    parts: Floats = np.array(to_rgb(colour))  # type: ignore[arg-type]
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def oklab(parts: Floats) -> Floats:
    """A colour in OKLab (Ottosson 2020), in which distances are those that people see."""
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    axes = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return axes @ np.cbrt(cones @ np.clip(parts, 0, 1))


def nearest(codes: tuple[str, ...], sight: list[list[float]] | None = None) -> float:
    """The smallest distance of two languages' colours, as one sees them."""
    seen = np.eye(3) if sight is None else np.array(sight)
    places = [oklab(seen @ linear(c)) for c in plots.language_colours(codes).values()]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(places, 2))


def contrast_with_white(colour: object) -> float:
    """WCAG's contrast ratio: 3 is needed for large or bold text."""
    return float(1.05 / (linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05))


def test_a_language_has_one_colour_whatever_else_is_drawn() -> None:
    all_codes = [*TWENTY, "xx", "yue"]
    together = plots.language_colours(all_codes)
    for code in all_codes:
        assert plots.language_colours([code]) == {code: together[code]}
    assert plots.language_colours(all_codes[::-1]) == together
    assert len(set(together.values())) == len(all_codes)


def test_unknown_codes_have_colours_that_do_not_change_from_run_to_run() -> None:
    assert plots.language_colours(["xx"])["xx"] == pytest.approx((0.5795, 0.2576, 0.7773), abs=1e-3)


def test_languages_are_told_apart_by_all_readers() -> None:
    everyone = TWENTY
    assert nearest(EVALUATED) > 0.17
    assert nearest(everyone) > 0.10
    for sight in SIGHT.values():  # 0.02 is about the smallest difference one sees
        assert nearest(EVALUATED, sight) > 0.055
        assert nearest(everyone, sight) > 0.03


def test_white_text_can_be_read_on_every_language() -> None:
    codes = [*LANGUAGES, *(a + b for a in "abcdefgxyz" for b in "qxz")]
    lowest = min(map(contrast_with_white, plots.language_colours(codes).values()))
    assert lowest >= 3.8


def test_strategies_keep_their_colours_and_other_arms_get_spare_ones() -> None:
    colours = style.arm_colours(["mine", "hybrid", "yours"])
    assert colours["hybrid"] == plots.COLOURS["hybrid"]
    assert len(set(colours.values())) == 3


@pytest.mark.parametrize("most", [3, 4])
def test_no_panel_stands_alone_in_its_row(most: int) -> None:
    assert style.row_lengths(1, most) == [1]
    for count in range(2, 30):
        rows = style.row_lengths(count, most)
        assert sum(rows) == count
        assert max(rows) <= most
        assert min(rows) >= 2
        assert max(rows) - min(rows) <= 1


def test_panels_are_equally_large_and_short_rows_are_centred() -> None:
    names = ["a", "b", "c", "d", "e"]
    figure, parts = style.panels(names, 3, (2, 2), (0, 0))
    figure.draw_without_rendering()
    boxes = {name: axes.get_position() for name, axes in parts.items()}
    sizes = [box.size for box in boxes.values()]
    assert np.ptp(sizes, axis=0) == pytest.approx([0, 0], abs=1e-3)
    rows = [sorted({round(boxes[n].y0, 3) for n in row}) for row in ("abc", "de")]
    assert [len(row) for row in rows] == [1, 1]
    middle = (boxes["d"].x0 + boxes["e"].x1) / 2
    assert middle == pytest.approx((boxes["a"].x0 + boxes["c"].x1) / 2, abs=1e-3)


def test_a_caption_stands_under_everything_and_the_panels_keep_their_height() -> None:
    figure, [[axes]] = style.canvas(4, 3)
    axes.set_xlabel("below")
    figure.draw_without_rendering()
    before = axes.get_window_extent().height
    sentence = "A sentence that does not fit one line of so narrow a picture. "
    style.caption(figure, [sentence * 2])
    figure.draw_without_rendering()
    [text] = figure.texts
    assert text.get_text().count("\n") >= 1
    assert caption(figure) == (sentence * 2).strip()
    assert text.get_window_extent().y1 <= axes.xaxis.label.get_window_extent().y0
    assert text.get_window_extent().x1 <= figure.bbox.x1
    assert axes.get_window_extent().height == pytest.approx(before, abs=1)


def test_numbers_are_short() -> None:
    assert [style.short(value) for value in (0.254, 1.0, 0.0, 12345.6, -0.5)] == [
        ".25",
        "1.00",
        ".00",
        "12,346",
        "−.50",
    ]
    assert [style.short(value, signed=True) for value in (0.1, -0.004, 10.2)] == [
        "+.10",
        "−.00",
        "+10",
    ]


def test_limits_are_rounded_up_and_not_past_what_they_are() -> None:
    for value, limit in ((0.83, 0.84), (0.1, 0.1), (0.1 + 1e-17, 0.1), (1.0, 1.0), (0, 1.0)):
        assert style.rounded_up(value) == limit
    for value in np.random.default_rng(0).uniform(0.001, 1, 50):
        assert value <= style.rounded_up(value) <= 1.2 * value
    assert style.rounded_up(float("nan")) == 1.0
