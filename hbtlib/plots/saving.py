"""How a picture is shown in a notebook and written to files: the same data give the same bytes."""

from io import BytesIO
from pathlib import Path

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

from hbtlib.checks import check_name, short
from hbtlib.files import replacing

PREVIEW_DPI = 120
SAVED_DPI = 150
_PALETTE = 256  # colours of an indexed PNG
_EXACT = 192  # how many of them are colours of the picture's areas, unchanged


class Figure(matplotlib.figure.Figure):
    """A matplotlib Figure that a notebook shows as a picture, whatever its plotting backend is."""

    def _repr_png_(self) -> bytes:
        return png(self, PREVIEW_DPI)


def save(
    figure: matplotlib.figure.Figure, name: str, data: pd.DataFrame, folder: str | Path
) -> list[Path]:
    """Writes NAME.pdf, NAME.png and NAME.csv: the same bytes for the same data.

    Args:
        figure: the picture.
        name: the files' name, without a suffix.
        data: the table that the picture was drawn from, written as CSV.
        folder: where the files go; it is made where it does not exist.

    Returns:
        The paths of the PDF, the PNG and the CSV file. Each is written whole or not at all.

    Raises:
        ValueError: the name would lead out of the folder, or figure or data are something else.
    """
    check_name("the picture's name", name)
    if not isinstance(figure, matplotlib.figure.Figure) or not isinstance(data, pd.DataFrame):
        raise ValueError(
            f"{name}: a matplotlib Figure and a table belong here, not {short(figure)} and "
            f"{short(data)}"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pdf, picture, table = (folder / f"{name}.{kind}" for kind in ("pdf", "png", "csv"))
    _lay_out(figure)
    with replacing(pdf) as work:
        figure.savefig(work, format="pdf", bbox_inches="tight", metadata={"CreationDate": None})
    with replacing(picture) as work:
        work.write_bytes(png(figure, SAVED_DPI))
    with replacing(table) as work:
        data.to_csv(work, index=False, float_format="%.6g")
    return [pdf, picture, table]


def png(figure: matplotlib.figure.Figure, dpi: int) -> bytes:
    """Renders the figure as a PNG of at most 256 colours, a third the size of one of all colours.

    The colours of areas stay exactly as they are, so that colour bars run smoothly. All others,
    which are the edges of letters and lines, are replaced by the nearest colour of the palette.
    The same figure gives the same bytes.

    Args:
        figure: the picture.
        dpi: its resolution, in dots per inch.

    Returns:
        The file's bytes.
    """
    full, small = BytesIO(), BytesIO()
    _lay_out(figure)
    figure.savefig(full, format="png", dpi=dpi, bbox_inches="tight")
    pixels = np.asarray(Image.open(full).convert("RGB"))  # (height, width, 3)
    packed = pixels.astype(np.int32) @ np.array([256 * 256, 256, 1])
    codes, number = np.unique(packed, return_inverse=True)  # number: which colour a pixel has
    number = number.reshape(packed.shape)
    colours = np.stack([codes // (256 * 256), codes // 256 % 256, codes % 256], 1).astype(np.uint8)
    palette = _palette(colours, number)
    _, nearest = cKDTree(palette).query(colours)  # (colours of the picture,)
    image = Image.fromarray(nearest.astype(np.uint8)[number])
    image.putpalette(palette.tobytes())  # which makes it an indexed image
    image.save(small, format="png", optimize=True, dpi=(dpi, dpi))
    return small.getvalue()


def _lay_out(figure: matplotlib.figure.Figure) -> None:
    """Gives the panels their places for good, the first time a figure is shown or saved.

    Left to itself, matplotlib moves panels a little with every drawing and resolution, and the
    bytes would depend on how often a figure was looked at before.
    """
    engine = figure.get_layout_engine()
    if engine is None or isinstance(engine, PlaceHolderLayoutEngine):
        return
    for _ in range(2):  # the second drawing corrects what the first did not know: sizes of texts
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _palette(colours: NDArray[np.uint8], number: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Chooses at most 256 colours: those of the largest areas, and some that cover the others.

    Args:
        colours: (n, 3) the picture's colours.
        number: (height, width) which of them each pixel has.

    Returns:
        (at most 256, 3) colours.
    """
    if len(colours) <= _PALETTE:
        return colours
    # Within an area a pixel has the colour of its neighbours; at the edge of a letter it has not.
    inner = number[:-1, :-1]
    flat = inner[(inner == number[1:, :-1]) & (inner == number[:-1, 1:])]
    areas = np.bincount(flat, minlength=len(colours))
    pixels = np.bincount(number.ravel(), minlength=len(colours))
    largest = np.lexsort((-pixels, -areas))
    exact, rest = colours[largest[:_EXACT]], colours[largest[_EXACT:]]
    covering = Image.fromarray(rest[None]).quantize(
        _PALETTE - _EXACT, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
    )
    others = np.array(covering.getpalette(), np.uint8).reshape(-1, 3)
    return np.concatenate([exact, others[: _PALETTE - _EXACT]])
