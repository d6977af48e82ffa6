"""PNG and PDF files: the same bytes from the same data, the right colours, on every machine."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from picture_tables import some_alphas, some_effects, some_points, some_ranks, some_shares
from PIL import Image

from hbtlib import plots
from hbtlib.evaluation.bias import bias
from hbtlib.evaluation.metrics import measure
from hbtlib.plots.saving import PREVIEW_DPI, SAVED_DPI


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def test_a_figure_rebuilt_is_the_same_file(tmp_path: Path) -> None:
    ranks = some_ranks()
    measured = measure(ranks)
    made = []
    for turn in ("a", "b"):
        figures = {
            "heatmap": plots.heatmap(measured),
            "bias": plots.bias_by_language(bias(ranks), chance=20.0),
            "ecdf": plots.rank_ecdf(ranks, trained=["aa"]),
            "heatmaps": plots.heatmaps({"one": measured, "two": measured}),
            "shares": plots.top_shares(some_shares()),
        }
        made.append(
            [
                path.read_bytes()
                for name, figure in figures.items()
                for path in plots.save(figure, name, measured, tmp_path / turn)
            ]
        )
    assert made[0] == made[1]
    assert len(made[0]) == 15


def test_previews_rebuilt_are_the_same() -> None:
    def previews() -> list[bytes]:
        figures = [
            plots.alpha_curves(some_alphas()),
            plots.effects(some_effects()),
            plots.embedding_map(some_points()),
        ]
        return [figure._repr_png_() for figure in figures]

    assert previews() == previews()


def test_a_file_has_more_dots_than_a_preview(tmp_path: Path) -> None:
    figure = plots.effects(some_effects())
    _, png, _ = plots.save(figure, "effects", some_effects(), tmp_path)
    assert (PREVIEW_DPI, SAVED_DPI) == (120, 150)
    for content, dpi in ((png.read_bytes(), SAVED_DPI), (figure._repr_png_(), PREVIEW_DPI)):
        assert Image.open(BytesIO(content)).info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)


def in_all_colours(figure: Figure, dpi: int) -> bytes:
    """The figure as matplotlib draws it: one that was shown before, so that its panels stay."""
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=dpi, bbox_inches="tight")
    return picture.getvalue()


def test_a_figure_looks_the_same_however_often_it_is_drawn(tmp_path: Path) -> None:
    measured = measure(some_ranks(), ["mAP"])
    figure = plots.heatmaps({str(i): measured for i in range(5)})
    before = figure._repr_png_()
    first = [path.read_bytes() for path in plots.save(figure, "a", measured, tmp_path)]
    assert figure._repr_png_() == before
    again = [path.read_bytes() for path in plots.save(figure, "b", measured, tmp_path)]
    assert again == first


def test_a_png_has_few_colours_and_they_are_the_right_ones() -> None:
    figure = plots.heatmap(measure(some_ranks(), ["mAP"]))
    small, full = figure._repr_png_(), in_all_colours(figure, PREVIEW_DPI)
    drawn, meant = pixels(small), pixels(full)
    assert len(small) < 0.5 * len(full)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) <= 256
    assert np.abs(drawn - meant).max() <= 16
    assert (drawn[(meant == 255).all(-1)] == 255).all()  # the paper stays white


def test_colour_bars_are_smooth() -> None:
    cells = measure(some_ranks(), ["mAP"])
    rng = np.random.default_rng(0)
    many = {str(i): cells.assign(value=rng.uniform(-1, 1, len(cells))) for i in range(7)}
    figure = plots.differences(cells.assign(value=0.0), many)
    drawn, meant = pixels(figure._repr_png_()), pixels(in_all_colours(figure, PREVIEW_DPI))
    height, width = meant.shape[:2]
    # The bar is the column of most colours: no panel has so many below each other.
    right = range(int(0.8 * width), width)
    colours = [len(np.unique(meant[:, x], axis=0)) for x in right]
    bar = right[int(np.argmax(colours))]
    assert max(colours) > 120
    assert np.array_equal(drawn[:, bar], meant[:, bar])
    steps = np.abs(np.diff(drawn[int(0.1 * height) : int(0.8 * height), bar], axis=0)).sum(1)
    assert np.median(steps[steps > 0]) < 12


@pytest.mark.filterwarnings("error::UserWarning")  # matplotlib warns of a glyph no font has
def test_all_text_is_in_the_font_that_matplotlib_brings() -> None:
    points, codes = some_points(), ("ar", "bn", "el", "fa", "hi", "ja", "ko", "ru", "te", "zh")
    one = points[(points["arm"] == "x-y") & (points["language"] == "de")]
    many = pd.concat([one.assign(language=code) for code in codes])
    shares = some_shares().replace({"de": "ar", "el": "ja"})
    bundled = font_manager.findfont("DejaVu Sans")
    assert "mpl-data" in bundled
    for figure in (plots.embedding_map(many), plots.top_shares(shares)):
        figure._repr_png_()
        texts = figure.findobj(Text)
        assert {
            font_manager.findfont(text.get_fontproperties(), fallback_to_default=False)
            for text in texts
            if text.get_weight() != "bold"
        } == {bundled}
    [legend] = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names[:3] == ["ja Japanese", "zh Chinese", "ar Arabic"]
