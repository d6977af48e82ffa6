"""What all pictures share: the style, the colours, the order and the names of languages, and how they are saved."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.figure
import pandas as pd
import seaborn as sns
from matplotlib import font_manager, ft2font
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from hbtlib.languages import LANGUAGES, native_name

matplotlib.rcParams.update(
    {
        "pdf.fonttype": 42,
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "figure.labelsize": 9,
        "figure.dpi": 100,
        "savefig.dpi": 150,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "svg.hashsalt": "hbtlib",
        "hatch.linewidth": 0.6,
    }
)


class Figure(matplotlib.figure.Figure):
    """A matplotlib Figure that a notebook shows as a picture, whatever its plotting backend is."""

    def _repr_png_(self) -> bytes:
        return png(self, 80)


# A colour a strategy, the same in every picture (Paul Tol's bright scheme, safe for colour-blind readers).
COLOURS: dict[str, str] = {
    "x-x-mono": "#4477AA",
    "x-x": "#66CCEE",
    "x-y": "#CC6677",
    "x-y-mono": "#DDAA77",
    "en-en": "#999999",
    "hybrid": "#228833",
    "none": "#CCCCCC",
}
_SPARE = ("#CCBB44", "#AA3377", "#332288", "#44AA99", "#882255", "#DDCC77", "#117733")
_NOTO = (
    "NotoSansArabic-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansTelugu-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
)


def save(
    figure: matplotlib.figure.Figure, name: str, data: pd.DataFrame, folder: Path
) -> list[Path]:
    """Writes NAME.pdf, NAME.png and NAME.csv (the data drawn): the same bytes for the same data. (A PDF with languages' own
    names has its fonts in the order of their paths: it depends on where the environment lies.)
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("pdf", "png", "csv")]
    figure.savefig(paths[0], bbox_inches="tight", metadata={"CreationDate": None})
    paths[1].write_bytes(png(figure, int(matplotlib.rcParams["savefig.dpi"])))
    data.to_csv(paths[2], index=False, float_format="%.6g")
    return paths


def png(figure: matplotlib.figure.Figure, dpi: int) -> bytes:
    """The figure as a PNG of 256 colours, a third the size of one of all; the same figure gives the same bytes. The palette
    spans rare colours too: the median cut would leave a colour bar in steps and legends in the wrong colour.
    """
    full, small = BytesIO(), BytesIO()
    figure.savefig(full, format="png", dpi=dpi, bbox_inches="tight")
    image = (
        Image.open(full)
        .convert("RGB")
        .quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    )
    image.save(small, format="png", optimize=True, dpi=(dpi, dpi))
    return small.getvalue()


def ordered(codes: Iterable[str], trained: Sequence[str] = ()) -> list[str]:
    """Trained languages first, then unseen ones, `all` last; in both, those of one script together, Latin first, then
    alphabetical; codes that `languages.LANGUAGES` lacks after them.
    """
    script = {code: known.script for code, known in LANGUAGES.items()}
    return sorted(
        map(str, codes),
        key=lambda code: (
            code == "all",
            code not in trained,
            code not in script,
            script.get(code) != "Latin",
            script.get(code, ""),
            code,
        ),
    )


def star(code: str, trained: Sequence[str]) -> str:
    """The language's code, with a star where it was never trained on."""
    return code if not trained or code in (*trained, "all") else f"{code}*"


def language_colours(codes: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """A colour a language: hues far from each other, neighbours darker and lighter by turns."""
    palettes = [sns.husl_palette(len(codes), s=0.8, l=lightness) for lightness in (0.5, 0.66)]
    return {code: palettes[i % 2][i] for i, code in enumerate(codes)}


def arm_colours(arms: Iterable[str]) -> dict[str, str]:
    """A colour an arm: its strategy's, or a spare one where it is named after none."""
    spare = cycle(_SPARE)
    return {arm: COLOURS.get(arm) or next(spare) for arm in arms}


@lru_cache
def fonts() -> dict[str, str]:
    """The font families that languages' names are written in, with their files: matplotlib's own, then Noto where it is."""
    files = {Path(path).name: path for path in sorted(font_manager.findSystemFonts())}
    families = {"DejaVu Sans": str(font_manager.findfont("DejaVu Sans"))}
    for path in (files[name] for name in _NOTO if name in files):
        font_manager.fontManager.addfont(
            path
        )  # matplotlib keeps a list of fonts, which may be older than this one
        families[font_manager.FontProperties(fname=path).get_name()] = path
    return families


def drawable(text: str) -> bool:
    """Has one of the fonts all of the text's characters, and are they put together right? Arabic letters join and
    Devanagari's vowel signs move: only from 3.11 on does matplotlib shape such scripts.
    """
    shaped = any(
        unicodedata.category(c)[0] == "M" or unicodedata.bidirectional(c) in ("R", "AL")
        for c in text
    )
    return (not shaped or hasattr(ft2font, "__libraqm_version__")) and any(
        all(font.get_char_index(ord(c)) for c in text)
        for font in map(font_manager.get_font, fonts().values())
    )


def language_labels(codes: Sequence[str], trained: Sequence[str] = ()) -> dict[str, str]:
    """For a legend: the code (with its `star`) and the language's own name, or alone where that cannot be drawn here."""
    return {
        code: f"{star(code, trained)} {name}"
        if (name := native_name(code)) != code and drawable(name)
        else star(code, trained)
        for code in codes
    }


def named_legend(figure: Figure, handles: Sequence[Any], title: str | None = None) -> None:
    """A legend at the right whose labels may hold languages' own names."""
    figure.legend(
        handles=handles, title=title, loc="outside right upper", prop={"family": list(fonts())}
    )


def checked(
    table: pd.DataFrame, what: str, columns: Sequence[str], keys: Sequence[str] = (), **wanted: str
) -> pd.DataFrame:
    """The rows whose columns have the values `wanted`. Raises ValueError where the table (`what` it is called) lacks one of
    all these columns or has no rows, where there is no such value, and where two rows have the same in the columns `keys`:
    averaging them would hide that something was mixed up.
    """
    if missing := [c for c in (*keys, *wanted, *columns) if c not in table]:
        raise ValueError(
            f"the {what} lack the column {missing[0]!r}; they have {', '.join(map(str, table.columns))}"
        )
    if table.empty:
        raise ValueError(f"the {what} have no rows")
    for column, value in wanted.items():
        if value not in (known := sorted(table[column].unique())):
            raise ValueError(f"no values of {value!r} here; there are {', '.join(known)}")
        table = table[table[column] == value]
    if keys and len(twice := table[table.duplicated(list(keys))]):
        which = ", ".join(f"{column} {twice[column].iloc[0]}" for column in keys)
        raise ValueError(
            f"the {what} have several values of {which}: are they of several benchmarks? Choose one"
        )
    return table


def canvas(
    width: float, height: float, rows: int = 1, columns: int = 1, **shared: Any
) -> tuple[Figure, NDArray[Any]]:
    """A figure of so many inches, and its Axes by row and column; `shared`: sharex, sharey."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def panels(
    names: Sequence[str], most: int, size: tuple[float, float], margin: tuple[float, float]
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with an Axes a name, at most so many beside each other, the rows as full as each other. Inches, width and
    height: `size` of a panel, `margin` of what the figure has besides.
    """
    rows = -(-len(names) // most)
    columns = -(-len(names) // rows)
    figure, grid = canvas(margin[0] + size[0] * columns, margin[1] + size[1] * rows, rows, columns)
    for part in grid.flat[len(names) :]:
        part.set_axis_off()
    return figure, dict(zip(names, grid.flat, strict=False))
