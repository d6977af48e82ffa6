"""A study that trains on several sets of pairs: their options, languages and splits."""

from __future__ import annotations

import pytest

import hbtlib as hbt
from hbtlib.data.catalog import CATALOG
from hbtlib.study.report.train import load_splits
from hbtlib.study.together import languages_of, options_by_set


def test_one_set_has_all_options() -> None:
    assert options_by_set("mlqa-pairs", {"monolingual": True}) == {
        "mlqa-pairs": {"monolingual": True}
    }


def test_several_sets_have_their_own_options() -> None:
    given = {"xnli": {"hard_negatives": False}}
    assert options_by_set("mlqa-pairs xnli", given) == {"mlqa-pairs": {}, **given}


@pytest.mark.parametrize("wrong", [{"monolingual": True}, {"ntrex": {}}])
def test_options_that_belong_to_no_set_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"pairs_options has .*, which is none of the pairs"):
        options_by_set("mlqa-pairs xnli", wrong)


def test_each_set_gives_the_languages_that_it_has() -> None:
    assert languages_of("mlqa-pairs", ["ar", "en", "zh"]) == ["ar", "zh"]
    assert languages_of("folder", ["xx"]) == ["xx"]  # what a folder has is not known before


def test_both_splits_of_all_sets_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOG, "facts-again", CATALOG["worldfacts"])
    made = load_splits("worldfacts facts-again", ["de", "sw"], {})
    for split in ("train", "validation"):
        alone = hbt.load_pairs("worldfacts", languages=["de", "sw"], split=split)
        assert len(made[split]) == 2 * len(alone)
        assert made[split].languages == ("de", "sw")


def test_a_study_says_what_is_wrong_with_its_sets() -> None:
    def check(**changed: object) -> None:
        values = {**hbt.study.notebook_parameters("train"), **changed}
        hbt.study.check("train", values)

    two = {"pairs": "mlqa-pairs xnli", "benchmark": "xquad-r"}
    check(**two, languages="ar de en", pairs_options={"xnli": {"hard_negatives": False}})
    with pytest.raises(ValueError, match="languages has fi, which none of mlqa-pairs, xnli has"):
        check(**two, languages="ar fi")
    with pytest.raises(ValueError, match="monolingul"):
        check(**two, languages="ar de", pairs_options={"mlqa-pairs": {"monolingul": True}})
    with pytest.raises(ValueError, match="xnly"):
        check(pairs="mlqa-pairs xnly", benchmark="xquad-r", languages="ar de")
