"""The family of tests of a study: the differences that are tested, declared before its runs.

::

    family:
      metrics: [mAP, rank-distance]
      differences:
        hybrid − x-x: {hybrid: 1, x-x: -1}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hbtlib.checks import check_choice, check_number, short
from hbtlib.study.values import is_metric


@dataclass(frozen=True)
class Family:
    """The tests that one correction for many tests is made over.

    Attributes:
        metrics: What is compared.
        differences: Name of a difference → arm → weight.
    """

    metrics: tuple[str, ...]
    differences: Mapping[str, Mapping[str, float]]


def checked_family(given: Mapping[str, Any] | None, arms: Sequence[str]) -> Family | None:
    """Checks what a YAML declares.

    Args:
        given: The key `family`, or None.
        arms: The arms of the study.

    Returns:
        The family; None where none is declared.

    Raises:
        ValueError: Something in it is wrong. The message begins with the place in the YAML.
    """
    if given is None:
        return None
    for key in given:
        if key not in ("metrics", "differences"):
            raise ValueError(
                f"family: unknown key {short(key)}; it may have metrics and differences"
            )
    metrics = given.get("metrics", ["mAP"])
    if not isinstance(metrics, list) or not metrics or not all(map(is_metric, metrics)):
        raise ValueError(
            f"family: metrics is {short(metrics)}, where a list of metrics such as mAP belongs"
        )
    differences = given.get("differences")
    if not isinstance(differences, dict) or not differences:
        raise ValueError(
            f"family: differences is {short(differences)}, where a mapping from names to weights "
            "of arms belongs"
        )
    for name, weights in differences.items():
        _check_weights(name, weights, arms)
    return Family(tuple(metrics), differences)


def _check_weights(name: object, weights: object, arms: Sequence[str]) -> None:
    """Checks one difference: weights of arms that there are, which sum to 0."""
    place = f"family: differences: {name}"
    if not isinstance(weights, dict) or not weights:
        raise ValueError(
            f"{place} is {short(weights)}, where a mapping from arms to weights belongs"
        )
    for arm, weight in weights.items():
        check_choice(f"{place}: the arm", arm, arms)
        check_number(f"{place}: {arm}", weight)
    if abs(sum(weights.values())) > 1e-9:
        raise ValueError(f"{place}: the weights sum to {sum(weights.values()):g}, and not to 0")
