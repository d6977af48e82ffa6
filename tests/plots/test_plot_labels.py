"""Labels beside what they name: moved as little as can be, and none over another."""

import numpy as np
import pytest
from picture_tables import overlapping, some_alphas, some_ranks, some_sizes

from hbtlib import plots
from hbtlib.plots.labels import along, beside, spread


def test_labels_in_one_place_are_moved_apart() -> None:
    size = np.array([0.08, 0.06])
    moved = plots.apart(np.full((11, 2), 0.5), size)
    gaps = np.abs(moved[:, None] - moved[None])[~np.eye(11, dtype=bool)]
    assert ((gaps > size - 1e-6).any(1)).all()
    apart_already = np.array([[0.2, 0.2], [0.8, 0.8]])
    assert plots.apart(apart_already, size) == pytest.approx(apart_already, abs=2e-3)


def test_labels_stand_beside_points_and_not_on_them() -> None:
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), -1).reshape(-1, 2) * 30.0
    points = np.concatenate([grid, [[0.0, 6.0], [4.0, 0.0], [30.0, 33.0]]])
    sizes = np.tile([14.0, 7.0], (len(points), 1))
    centres = beside(points, sizes, away=3.0)
    on_points = np.abs(centres[:, None] - points[None]) < sizes[:, None] / 2
    assert not on_points.all(-1).any()
    on_labels = np.abs(centres[:, None] - centres[None]) < sizes[:, None]
    assert (on_labels.all(-1).sum(1) == 1).all()  # each covers itself alone
    # Alone, a label stands to the upper right of its point.
    assert beside(points[:1], sizes[:1], away=3.0).tolist() == [[10.0, 6.5]]


def test_numbers_are_spread_as_little_as_can_be() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted = rng.uniform(0, 10, 6)
        placed = spread(wanted, 0.5, -100.0, 100.0)
        order = np.argsort(wanted)
        assert (np.diff(placed[order]) >= 0.5 - 1e-9).all()
        cost = ((placed - wanted) ** 2).sum()
        for _ in range(20):  # no other places that keep the gap are nearer
            other = placed + rng.normal(0, 0.05, 6)
            if (np.diff(other[order]) >= 0.5).all():
                assert ((other - wanted) ** 2).sum() >= cost - 1e-9
    far = np.array([9.0, 1.0, 5.0])
    assert spread(far, 2.0, 0.0, 10.0) == pytest.approx(far)
    crowded = spread(np.array([9.9, 9.9, 9.8]), 2.0, 0.0, 10.0)
    assert sorted(crowded) == pytest.approx([6.0, 8.0, 10.0])


def test_a_curve_is_labelled_where_it_is_alone() -> None:
    x = np.linspace(0, 5, 100)
    flat = np.stack([x, np.full(100, 1.0)], 1)
    leaving = np.stack([x, np.where(x < 4, 1.0, 1.0 + (x - 4))], 1)
    places = along({"flat": flat, "leaving": leaving}, (0.3, 0.15))
    assert places["leaving"][0] > 4
    assert places["leaving"][1] > 1.1


def test_no_label_lies_over_another() -> None:
    ranks = some_ranks(languages=8)
    codes = sorted(ranks["passage_language"].unique())
    figure = plots.rank_ecdf(ranks, trained=codes[:4])
    assert overlapping(figure, figure.axes[0].texts) == []
    for picture in (plots.alpha_curves(some_alphas()), plots.size_curves(some_sizes())):
        for axes in picture.axes:
            assert len(axes.texts) > 1
            assert overlapping(picture, axes.texts) == []
