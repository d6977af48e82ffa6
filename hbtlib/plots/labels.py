"""Labels that stand directly at what they name, moved until none lies over another."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from hbtlib.plots.style import SMALL

Floats = NDArray[np.float64]


class EndLabel(NamedTuple):
    """A label right of a point: where the point is, in data, the text and its colour."""

    x: float
    y: float
    text: str
    colour: str


def end_labels(axes: Axes, labels: Sequence[EndLabel], height: float) -> None:
    """Writes labels right of their points, with a thin line where one had to be moved far.

    Args:
        axes: the panel, with its final limits.
        labels: those of points that stand one above the other.
        height: about how high the panel is, in inches.
    """
    low, high = axes.get_ylim()
    points = 72 * height / (high - low)  # a data unit, in points
    wanted = np.array([label.y for label in labels]) * points
    placed = spread(wanted, 1.2 * SMALL, low * points, high * points)
    for label, shift in zip(labels, placed - wanted, strict=True):
        line = {"arrowstyle": "-", "color": label.colour, "lw": 0.6, "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            label.text,
            (label.x, label.y),
            (6 if abs(shift) < 3 else 11, shift),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=label.colour,
            arrowprops=line if abs(shift) >= 3 else None,
            annotation_clip=False,
        )


def beside(points: Floats, sizes: Floats, away: float) -> Floats:
    """Finds a place beside each point for its label, free of points and other labels if it can.

    The labels are placed one after the other, each at the first of eight places around its point,
    or of eight further off, where it lies over least.

    Args:
        points: (n, 2) the points.
        sizes: (n, 2) width and height of each point's label, in the same unit.
        away: how far a label stands from its point.

    Returns:
        (n, 2) the centres of the labels.
    """
    sides = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1], [0, 1], [0, -1], [1, 0], [-1, 0]])
    placed = np.empty_like(points)
    for i, (point, size) in enumerate(zip(points, sizes, strict=True)):
        shifts = np.concatenate([sides * (size / 2 + gap) for gap in (away, 3 * away)])
        tried = point + shifts  # (places, 2)
        from_points = np.abs(tried[:, None] - points[None]) < size / 2 + away / 2
        from_labels = np.abs(tried[:, None] - placed[None, :i]) < (size + sizes[:i]) / 2
        covered = from_points.all(-1).sum(1) + 2 * from_labels.all(-1).sum(1)
        placed[i] = tried[int(covered.argmin())]
    return placed


def spread(wanted: Floats, gap: float, low: float, high: float) -> Floats:
    """Moves numbers apart, each as little as can be.

    Minimises the sum of squared moves while neighbours keep the gap. With i gaps taken off the
    i-th smallest, that is an isotonic regression: neighbours in the wrong order become their mean.

    Args:
        wanted: (n,) where the labels should be.
        gap: how far from each other they have to be.
        low: none should be below it.
        high: none should be above it (it yields to `low` where there are too many labels).

    Returns:
        (n,) where they are.

    Example:
        >>> spread(np.array([1.0, 5.0, 5.0]), 2.0, 0.0, 10.0).tolist()
        [1.0, 4.0, 6.0]
    """
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    blocks: list[list[float]] = []  # each becomes its mean
    for value in wanted[order] - steps:
        blocks.append([float(value)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    moved = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    moved = np.clip(moved, low, max(low, high - steps[-1])) + steps
    placed = np.empty(len(wanted))
    placed[order] = moved
    return placed


def along(
    curves: Mapping[str, Floats], size: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """Finds a place on each curve for its label, as far from other curves and labels as can be.

    Args:
        curves: name → (n, 2) points of the curve, in inches.
        size: width and height of a label, in inches.

    Returns:
        name → a point of its curve, at which the label is to be centred.
    """
    enough = 0.75 * size[1]  # a label this far from a curve leaves it clear
    placed: dict[str, tuple[float, float]] = {}
    clearance = {name: _clearance(name, curves) for name in curves}
    for name in sorted(curves, key=lambda name: float(clearance[name].max())):
        free = np.minimum(clearance[name], enough) / enough  # (n,) 0 to 1
        others = np.array(list(placed.values())).reshape(-1, 2)
        away = np.abs(curves[name][:, None] - others[None]) / size  # (n, placed, 2), in labels
        from_labels = away.max(2).min(1, initial=4.0)  # 1 and more: they do not overlap
        best = int(np.argmax(free + 3 * np.minimum(from_labels, 1.1) + 0.1 * from_labels))
        placed[name] = (float(curves[name][best, 0]), float(curves[name][best, 1]))
    return placed


def _clearance(name: str, curves: Mapping[str, Floats]) -> Floats:
    """Each of the curve's points: how far the nearest other curve is."""
    others = [points for other, points in curves.items() if other != name]
    if not others:
        return np.full(len(curves[name]), np.inf)
    gaps = curves[name][:, None] - np.concatenate(others)[None]
    return np.sqrt((gaps**2).sum(2).min(1))


def apart(at: Floats, size: Floats) -> Floats:
    """Moves points until boxes of one size about them lie beside each other.

    Args:
        at: (n, 2) where the points are, as shares of the panel.
        size: (2,) width and height of a box, as shares of the panel.

    Returns:
        (n, 2) where they are then, within the panel.
    """
    angle = 2 * np.pi * np.arange(len(at)) / len(at)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    at = at + 1e-3 * circle  # points in one place need a way to go
    for _ in range(500):
        gap = at[:, None] - at[None]  # (n, n, 2)
        overlap = size - np.abs(gap)
        hit = (overlap > 1e-9).all(-1) & ~np.eye(len(at), dtype=bool)
        if not hit.any():
            break
        shorter = np.eye(2)[(overlap / size).argmin(-1)]  # the direction that needs less moving
        push = shorter * hit[..., None] * np.sign(gap) * overlap
        at = at + 0.3 * push.sum(1)
    return np.clip(at, size / 2, 1 - size / 2)
