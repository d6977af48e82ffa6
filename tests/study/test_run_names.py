"""A run's name is readable, and tells runs with different parameters apart."""

from __future__ import annotations

from hbtlib import study

BASE = {"strategy": "hybrid", "alpha": 0.5, "mix": "batch", "seed": 1, "steps": 10}


def test_a_name_is_readable() -> None:
    assert study.run_name(BASE).startswith("hybrid-seed1-")
    assert study.run_name({**BASE, "alpha": 0.25}).startswith("hybrid-alpha0.25-seed1-")
    schedule = {**BASE, "alpha": {"linear": [1, 0]}}
    assert study.run_name(schedule).startswith("hybrid-alphalinear10-seed1-")
    assert study.run_name({**BASE, "mix": "pair"}).startswith("hybrid-pair-seed1-")
    assert study.run_name(BASE, "The (floor) 0.5").startswith("the-floor-0.5-seed1-")


def test_a_name_tells_the_run_apart() -> None:
    assert study.run_name({**BASE, "steps": 11}) != study.run_name(BASE)
    assert study.run_name({**BASE, "study": "a", "folder": "b"}) == study.run_name(BASE)


def test_a_parameter_at_its_default_is_the_same_run_whether_named_or_not() -> None:
    everything = {**study.notebook_parameters("train"), **BASE}
    without = {k: v for k, v in everything.items() if k != "temperature"}
    assert study.run_name(everything) == study.run_name(without)
