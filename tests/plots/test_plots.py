"""The pictures: drawn from the library's tables, the same bytes from the same data, what they show is what is there."""

from __future__ import annotations

import unicodedata
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from matplotlib import font_manager, ft2font
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from hbtlib import plots
from hbtlib.data.pairs import Pairs
from hbtlib.evaluation.bias import bias
from hbtlib.evaluation.metrics import measure
from hbtlib.languages import native_name
from hbtlib.plots import style
from hbtlib.sampling.plan import BatchPlan
from hbtlib.search.ranking import rank_vectors


@pytest.fixture
def ranks() -> pd.DataFrame:
    benchmark, queries, passages = random_benchmark(3, languages=4, ties=False)
    return rank_vectors(queries, passages, benchmark)


def numbers(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_heatmap_shows_every_value_trained_first(ranks: pd.DataFrame) -> None:
    measured = measure(ranks, ["mAP"])
    trained = ["bb", "dd"]
    figure = plots.heatmap(measured, trained=trained)
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["bb", "dd", "aa*", "cc*"]
    columns = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert columns == ["bb", "dd", "aa*", "cc*", "all"]
    wide = measured.pivot_table(index="query_language", columns="pool", values="value")
    wide = wide.reindex(
        index=[c.rstrip("*") for c in rows], columns=[c.rstrip("*") for c in columns]
    )
    assert numbers(figure) == [
        f"{value:.2f}" for value in wide.to_numpy().ravel() if not np.isnan(value)
    ]


def test_differences_are_signed_and_centred(ranks: pd.DataFrame) -> None:
    measured = measure(ranks, ["mAP"])
    other = measured.assign(value=measured["value"] - 0.1)
    figure = plots.differences(measured, {"base": other})
    assert set(numbers(figure)) == {"+0.10"}
    assert figure.axes[0].collections[0].get_clim() == pytest.approx((-0.1, 0.1))


def test_the_batch_picture_is_the_plan(tiny_pairs: Pairs) -> None:
    plan = BatchPlan(tiny_pairs, "hybrid", 0.5, 4, 0)
    figure = plots.batch_picture(plan, batches=3, pairs=4)
    expected = [
        str(code)
        for t in range(3)
        for pair in zip(plan[t].query_languages, plan[t].passage_languages, strict=True)
        for code in pair
    ]
    assert numbers(figure) == expected
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"batch {t}: {plan[t].kind}" for t in range(3)]


def test_a_figure_rebuilt_is_the_same_file(ranks: pd.DataFrame, tmp_path: Path) -> None:
    measured = measure(ranks)
    made = []
    for turn in ("a", "b"):
        figures = {
            "heatmap": plots.heatmap(measured),
            "bias": plots.bias_by_language(bias(ranks), chance=20.0),
            "ecdf": plots.rank_ecdf(ranks, trained=["aa"]),
            "heatmaps": plots.heatmaps({"one": measured, "two": measured}),
        }
        made.append(
            [
                path.read_bytes()
                for name, figure in figures.items()
                for path in plots.save(figure, name, measured, tmp_path / turn)
            ]
        )
    assert made[0] == made[1]
    assert len(made[0]) == 12


def test_curves_and_lengths_draw(tmp_path: Path) -> None:
    log = pd.DataFrame(
        {"step": [1, 2, 3], "loss": [3.0, 2.0, 1.5], "validation_loss": [np.nan, 2.5, 2.7]}
    )
    scored = plots.loss_curves(log.rename(columns={"validation_loss": "validation_score"}))
    assert [axes.get_lines()[0].get_label() for axes in scored.axes] == [
        "training loss",
        "validation score",
    ]
    figure = plots.loss_curves(log, title="x")
    assert " kept " in numbers(figure)
    texts = pd.DataFrame(
        {"language": ["de", "el"] * 4, "role": ["query", "passage"] * 4, "text": ["abc"] * 8}
    )
    assert [
        t.get_text() for t in plots.lengths(texts, trained=["el"]).axes[0].get_xticklabels()
    ] == ["el", "de"]


def test_a_metric_that_is_not_there_is_named(ranks: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no values of 'mAP@7' here; there are mAP"):
        plots.heatmap(measure(ranks, ["mAP"]), "mAP@7")


SETTINGS = ("monolingual", "cross-lingual", "multilingual")


@pytest.fixture
def alphas() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = product(
        (0.0, 0.5, 1.0), ("batch", "pair"), (0, 1, 2), ("trained",), SETTINGS[1:], ("mAP",)
    )
    table = pd.DataFrame(rows, columns=["alpha", "level", "seed", "languages", "setting", "metric"])
    return table.assign(value=rng.uniform(0.3, 0.5, len(table)))


@pytest.fixture
def shares() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        product(("hybrid", "x-y"), ("de", "el", "zh"), ("de", "el", "zh")),
        columns=["arm", "query_language", "passage_language"],
    ).assign(share=rng.uniform(1, 2, 18))
    return table.assign(
        share=table["share"] / table.groupby(["arm", "query_language"])["share"].transform("sum")
    )


@pytest.fixture
def points() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        product(("hybrid", "x-y"), ("query", "passage"), ("de", "el", "zh"), range(4)),
        columns=["arm", "role", "language", "question_id"],
    )
    table[["x", "y", "centroid_x", "centroid_y"]] = rng.normal(size=(len(table), 4))
    return table.assign(
        benchmark="made", language_share=np.where(table["arm"] == "x-y", 0.125, 0.5)
    )


@pytest.fixture
def effects() -> pd.DataFrame:
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


@pytest.fixture
def by_group() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        product(("Turkic", "Uralic"), ("x-y", "mine", "yours"), (0, 1), SETTINGS[:2], ("mAP",)),
        columns=["group", "arm", "seed", "setting", "metric"],
    )
    return table.assign(value=rng.uniform(size=len(table)))


def test_cells_that_may_be_chance_are_hatched_and_no_others(ranks: pd.DataFrame) -> None:
    measured = measure(ranks, ["mAP"])
    rng = np.random.default_rng(0)
    cells = measured[["query_language", "pool"]]
    tables = {
        name: cells.assign(p=rng.choice([0.0, 0.049, 0.05, 1.0], len(cells)))
        for name in ("one", "two")
    }
    figure = plots.differences(
        measured, dict.fromkeys(tables, measured), trained=["bb"], significant=tables
    )
    for axes, table in zip(
        figure.axes, tables.values(), strict=False
    ):  # the last axes are the colour bar's
        rows, columns = (
            [t.get_text().rstrip("*") for t in labels]
            for labels in (axes.get_yticklabels(), axes.get_xticklabels())
        )
        hatched = {
            (rows[int(p.get_y())], columns[int(p.get_x())])
            for p in axes.patches
            if isinstance(p, Rectangle) and p.get_hatch()
        }
        expected = table[table["p"] >= 0.05]
        assert hatched == set(zip(expected["query_language"], expected["pool"], strict=True))
    assert "hatched: p ≥ .05 (Holm)" in figure.texts[0].get_text()
    assert not any(
        p.get_hatch() for p in plots.differences(measured, {"one": measured}).axes[0].patches
    )


def test_p_values_that_are_missing_are_named(ranks: pd.DataFrame) -> None:
    measured = measure(ranks, ["mAP"])
    p = measured[["query_language", "pool"]].assign(p=0.5)
    for tables, message in (
        ({"two": p}, "no table for the baseline 'one'; it has two"),
        ({"one": p.drop(columns="p")}, "against one lack the column 'p'"),
        ({"one": p.iloc[1:]}, "no p against one for the query language 'aa' and the pool 'bb'"),
        ({"one": pd.concat([p, p])}, "several values of query_language aa"),
    ):
        with pytest.raises(ValueError, match=message):
            plots.differences(measured, {"one": measured}, significant=tables)


def test_bars_are_the_shares_and_sum_to_1_the_own_language_first(shares: pd.DataFrame) -> None:
    figure = plots.top_shares(
        shares, pool={"de": 0.5, "el": 0.25, "zh": 0.25}, trained=["de", "zh"]
    )
    for axes, (_, table) in zip(figure.axes, shares.groupby("arm"), strict=True):
        ticks = [t.get_text() for t in axes.get_xticklabels()]
        assert ticks == ["de", "zh", "el*", "pool"]
        for x, code in enumerate(t.rstrip("*") for t in ticks[:-1]):
            bars = {
                c.get_label(): c.patches[0]
                for c in axes.containers
                if round(c.patches[0].get_center()[0]) == x
            }
            mine = table[table["query_language"] == code].set_index("passage_language")["share"]
            assert {c: bar.get_height() for c, bar in bars.items()} == pytest.approx(mine.to_dict())
            assert max(bar.get_y() + bar.get_height() for bar in bars.values()) == pytest.approx(1)
            assert bars[code].get_y() == 0
            assert [c for c, bar in bars.items() if bar.get_edgecolor()[:3] == (0, 0, 0)] == [code]
        marks = {
            round(float(line.get_xdata()[0]) + 0.5): float(line.get_ydata()[0])
            for line in axes.lines
        }
        assert marks == {0: 0.5, 1: 0.25, 2: 0.25}


def test_points_lie_where_the_table_says(points: pd.DataFrame) -> None:
    for view, (x, y) in {"texts": ("x", "y"), "centroids": ("centroid_x", "centroid_y")}.items():
        figure = plots.embedding_map(points, view, trained=["de", "el"])
        assert [a.get_title(loc="left") for a in figure.axes] == [
            "hybrid\n50% of the variance between languages",
            "x-y\n12% of the variance between languages",
        ]
        for axes, arm in zip(figure.axes, ("hybrid", "x-y"), strict=True):
            table = points[points["arm"] == arm]
            drawn = np.concatenate([np.asarray(c.get_offsets()) for c in axes.collections])
            assert sorted(map(tuple, drawn.tolist())) == sorted(
                map(tuple, table[[x, y]].to_numpy().tolist())
            )
            assert [t.get_text() for t in axes.texts] == ["de", "el", "zh*"]
            centres = table.groupby("language")[[x, y]].mean()
            for text, code in zip(axes.texts, ("de", "el", "zh"), strict=True):
                at = axes.transData.inverted().transform(axes.transAxes.transform(text.xy))
                assert at == pytest.approx(centres.loc[code].to_numpy())


def test_labels_in_one_place_are_moved_apart() -> None:
    from hbtlib.plots.pictures import apart

    size = np.array([0.08, 0.06])
    moved = apart(np.full((11, 2), 0.5), size)
    gaps = np.abs(moved[:, None] - moved[None])[~np.eye(11, dtype=bool)]
    assert ((gaps > size - 1e-6).any(1)).all()
    apart_already = np.array([[0.2, 0.2], [0.8, 0.8]])
    assert apart(apart_already, size) == pytest.approx(apart_already, abs=2e-3)


def test_lines_are_means_over_seeds_and_points_the_seeds(alphas: pd.DataFrame) -> None:
    sizes = alphas.rename(columns={"alpha": "ids", "level": "arm"}).assign(
        ids=alphas["alpha"] * 2000 + 500
    )
    for figure, table, x, by in (
        (plots.alpha_curves(alphas), alphas, "alpha", "level"),
        (plots.size_curves(sizes), sizes, "ids", "arm"),
    ):
        assert [a.get_title(loc="left") for a in figure.axes] == ["cross-lingual", "multilingual"]
        for axes, setting in zip(figure.axes, SETTINGS[1:], strict=True):
            here = table[table["setting"] == setting]
            for name, mean, seeds in zip(
                ("batch", "pair"), axes.lines[::2], axes.lines[1::2], strict=True
            ):
                mine = here[here[by] == name]
                assert mean.get_label() == name
                assert mean.get_ydata() == pytest.approx(mine.groupby(x)["value"].mean().to_numpy())
                assert list(zip(*seeds.get_data(), strict=True)) == list(
                    zip(mine[x], mine["value"], strict=True)
                )
            assert axes.get_ylim()[0] < here["value"].min()
            assert axes.get_ylim()[1] > here["value"].max()
    labels = [t.get_text() for t in plots.alpha_curves(alphas).axes[0].get_xticklabels()]
    assert labels == ["0\nx-y", ".5", "1\nx-x-mono\n(pair: x-x)"]


def test_the_band_is_the_t_interval_over_seeds(alphas: pd.DataFrame) -> None:
    one = alphas[(alphas["level"] == "batch") & (alphas["setting"] == "multilingual")]
    corners = np.concatenate(
        [p.vertices for p in plots.alpha_curves(one).axes[0].collections[0].get_paths()]
    )
    values = one[one["alpha"] == 0.5]["value"]
    half = 4.302653 * values.std() / np.sqrt(3)  # t of .975 with 2 degrees of freedom
    at = corners[corners[:, 0] == 0.5][:, 1]
    assert (at.min(), at.max()) == pytest.approx((values.mean() - half, values.mean() + half))
    assert (
        plots.alpha_curves(one[one["seed"] == 0]).axes[0].get_ylim()[1] < 1
    )  # one seed: no band, and no NaN


def test_effects_are_filled_where_they_are_significant(effects: pd.DataFrame) -> None:
    for table, filled in (
        (effects, [True, False, False]),
        (effects.drop(columns="p_holm"), [True, True, False]),
    ):
        figure = plots.effects(table)
        assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["a − b", "a − c"]
        marks = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "o"]
        assert [float(m.get_xdata()[0]) for m in marks] == [0.1, -0.2, 0.05]
        assert [int(m.get_ydata()[0]) for m in marks] == [0, 1, 0]
        assert [m.get_markerfacecolor() != "white" for m in marks] == filled
        spans = [
            tuple(line.get_xdata())
            for axes in figure.axes
            for line in axes.lines[1:]
            if line.get_marker() != "o"
        ]
        assert spans == list(zip(table["low"], table["high"], strict=True))


def test_groups_are_rows_and_arms_have_colours_of_their_own(by_group: pd.DataFrame) -> None:
    figure = plots.groups(by_group)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["Turkic", "Uralic"]
    for axes, setting in zip(figure.axes, SETTINGS, strict=False):
        here = by_group[by_group["setting"] == setting]
        for arm, seeds, means in zip(
            ("x-y", "mine", "yours"), axes.lines[::2], axes.lines[1::2], strict=True
        ):
            mine = here[here["arm"] == arm]
            assert list(seeds.get_xdata()) == list(mine["value"])
            assert [round(y) for y in seeds.get_ydata()] == [
                ["Turkic", "Uralic"].index(g) for g in mine["group"]
            ]
            assert means.get_xdata() == pytest.approx(
                mine.groupby("group")["value"].mean().to_numpy()
            )
    colours = [line.get_color() for line in figure.axes[0].lines[1::2]]
    assert colours[0] == plots.COLOURS["x-y"]
    assert len(set(colours)) == 3


def test_a_table_that_does_not_fit_is_refused(
    alphas: pd.DataFrame,
    shares: pd.DataFrame,
    points: pd.DataFrame,
    effects: pd.DataFrame,
    by_group: pd.DataFrame,
) -> None:
    for draw, message in (
        (
            lambda: plots.alpha_curves(alphas.drop(columns="level")),
            "lack the column 'level'; they have alpha",
        ),
        (
            lambda: plots.alpha_curves(alphas.assign(level="token")),
            "no level 'token'; there are batch, pair",
        ),
        (
            lambda: plots.alpha_curves(pd.concat([alphas, alphas])),
            "several values of alpha 0.0, level batch",
        ),
        (lambda: plots.alpha_curves(alphas.iloc[:0]), "have no rows"),
        (
            lambda: plots.size_curves(alphas.rename(columns={"alpha": "ids", "level": "arm"})),
            "ids is 0.0; a log axis",
        ),
        (lambda: plots.groups(by_group, "R@1"), "no values of 'R@1' here; there are mAP"),
        (lambda: plots.effects(effects.drop(columns="low")), "lack the column 'low'"),
        (
            lambda: plots.top_shares(shares.assign(share=0.2)),
            r"the shares of de \(hybrid\) sum to 0.600",
        ),
        (
            lambda: plots.embedding_map(points, "passages"),
            "no view 'passages'; there are texts, centroids",
        ),
        (
            lambda: plots.embedding_map(points.drop(columns="arm")),
            "language_share differs within a run",
        ),
        (
            lambda: plots.embedding_map(pd.concat([points, points.assign(benchmark="b")])),
            "of several benchmarks",
        ),
        (
            lambda: plots.bias_by_language(
                pd.DataFrame({"measure": ["a"], "query_language": "de", "value": 1.0})
            ),
            "no values of 'rank-distance' here; there are a",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            draw()


def test_the_new_pictures_too_are_the_same_file(
    alphas: pd.DataFrame,
    shares: pd.DataFrame,
    points: pd.DataFrame,
    effects: pd.DataFrame,
    tmp_path: Path,
) -> None:
    def files(folder: Path) -> list[bytes]:
        named = plots.top_shares(shares[shares["arm"] == "x-y"])  # its legend embeds several fonts
        others = [
            plots.alpha_curves(alphas),
            plots.effects(effects),
            plots.embedding_map(points[points["arm"] == "x-y"]),
        ]
        return [path.read_bytes() for path in plots.save(named, "shares", shares, folder)] + [
            f._repr_png_() for f in others
        ]

    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_png_has_few_colours_and_they_are_the_right_ones(ranks: pd.DataFrame) -> None:
    figure = plots.heatmap(measure(ranks, ["mAP"]))
    full = BytesIO()
    figure.savefig(full, format="png", dpi=80, bbox_inches="tight")
    small = figure._repr_png_()
    drawn, meant = (
        np.asarray(Image.open(picture).convert("RGB")).astype(int)
        for picture in (BytesIO(small), full)
    )
    assert len(small) < 0.5 * len(full.getvalue())
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) <= 256
    assert np.abs(drawn - meant).max() <= 16
    assert (drawn[(meant == 255).all(-1)] == 255).all()  # the paper stays white


def test_languages_have_their_own_names() -> None:
    names = {"de": "Deutsch", "el": "Ελληνικά", "zh": "中文", "fa": "فارسی", "zh_Hant": "繁體中文"}
    assert {code: native_name(code) for code in names} == names
    assert [native_name(c) for c in ("xx", "", "not a code")] == ["xx", "", "not a code"]


def test_names_are_written_where_the_fonts_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = ["de", "el", "ru", "ar", "fa", "hi", "bn", "te", "th", "zh", "ja", "ko"]
    here = style.language_labels(codes, trained=codes[1:])
    assert here["de"] == "de* Deutsch"
    for (
        code,
        label,
    ) in here.items():  # whichever fonts there are: a name that is written can be drawn
        assert label in (f"{code} {native_name(code)}", code, "de* Deutsch")
        assert len(label) > 2 or not any(
            font_manager.get_font(path).get_char_index(ord(native_name(code)[0]))
            for path in style.fonts().values()
        )
    style.fonts.cache_clear()
    monkeypatch.setattr(
        font_manager, "findSystemFonts", lambda: []
    )  # a machine with matplotlib's own fonts alone
    try:
        assert list(style.fonts()) == ["DejaVu Sans"]
        bare = style.language_labels(codes)
        assert (bare["el"], bare["ru"]) == ("el Ελληνικά", "ru русский")
        assert {code for code, label in bare.items() if label == code} == {
            "hi",
            "bn",
            "te",
            "th",
            "zh",
            "ja",
            "ko",
        }
    finally:
        style.fonts.cache_clear()


def test_scripts_that_must_be_shaped_are_left_out_where_matplotlib_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(ft2font, "__libraqm_version__", raising=False)  # before matplotlib 3.11
    codes = ["el", "vi", "ar", "fa", "hi", "bn", "te"]
    assert style.language_labels(codes) == {
        c: f"{c} {native_name(c)}" if c in ("el", "vi") else c for c in codes
    }
    assert unicodedata.is_normalized(
        "NFC", native_name("vi")
    )  # or its accents would be marks of their own


@pytest.mark.filterwarnings("error::UserWarning")  # matplotlib warns of a glyph that no font has
def test_every_legend_can_be_drawn_with_and_without_the_fonts(
    points: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = pd.concat(
        [
            points[(points["arm"] == "x-y") & (points["language"] == "de")].assign(language=code)
            for code in ("ar", "bn", "el", "fa", "hi", "ja", "ko", "ru", "te", "th", "zh")
        ]
    )
    assert plots.embedding_map(many)._repr_png_()[:4] == b"\x89PNG"
    style.fonts.cache_clear()
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])
    try:
        assert plots.embedding_map(many)._repr_png_()[:4] == b"\x89PNG"
    finally:
        style.fonts.cache_clear()
