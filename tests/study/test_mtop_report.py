"""20-mtop: scores by both judgements, the declared differences, and what is said of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib import study as studies
from hbtlib.study.family import Family
from hbtlib.study.report import mtop

LEVELS = {"none": 0.1, "x-x-mono": 0.5, "x-y": 0.4, "hybrid": 0.6}
SETTINGS = ("monolingual", "cross-lingual", "multilingual")
DIFFERENCES = {"hybrid − x-y": {"hybrid": 1.0, "x-y": -1.0}}


class FakeReader:
    """A study of four arms on one benchmark; the untrained encoder has one run."""

    def __init__(self, gain: float) -> None:
        self.gain = gain
        self.study = SimpleNamespace(name="s", family=Family(("MRR@10",), DIFFERENCES))

    def measured(self) -> pd.DataFrame:
        rows = []
        for arm, level in LEVELS.items():
            for seed in (0,) if arm == "none" else (0, 1):
                value = level + self.gain + 0.01 * seed
                row = {"arm": arm, "seed": seed, "metric": "MRR@10", "languages": "trained"}
                for query, pool in (("de", "de"), ("de", "en"), ("en", "en"), ("en", "all")):
                    own = "monolingual" if query == pool else "cross-lingual"
                    setting = "multilingual" if pool == "all" else own
                    more = 0.1 if query == "en" else 0.0
                    names = {"query_language": query, "pool": pool, "setting": setting}
                    rows.append({**row, **names, "value": value + more})
        return pd.DataFrame(rows)

    def units(self) -> dict[str, int]:
        return {f"q{i}": i // 3 for i in range(30)}

    def collect(self, what: str) -> pd.DataFrame:
        assert what == "questions"
        rng = np.random.default_rng(0)
        noise = rng.normal(0, 0.02, 30)
        rows = [
            {
                "languages": "trained",
                "setting": setting,
                "question_id": f"q{i}",
                "arm": arm,
                "seed": seed,
                "MRR@10": LEVELS[arm] * (setting != "multilingual") + noise[i] * (arm == "x-y"),
            }
            for setting in SETTINGS
            for arm in ("x-y", "hybrid")
            for seed in (0, 1)
            for i in range(30)
        ]
        return pd.DataFrame(rows)


@pytest.fixture
def readers() -> Any:
    return {mtop.INTENT: FakeReader(0.0), mtop.DOMAIN: FakeReader(0.2)}


def test_scores_are_macro_averages_by_judgement(readers: Any) -> None:
    found = mtop.scores(readers, ["MRR@10"])
    assert len(found) == 2 * (1 + 3 * 2) * 3
    keys = ["group", "arm", "seed", "setting"]
    values = found.set_index(keys)["value"]
    # The diagonal has de (0.6) and en (0.7).
    assert values[mtop.INTENT, "hybrid", 0, "monolingual"] == pytest.approx(0.65)
    assert values[mtop.DOMAIN, "x-y", 1, "multilingual"] == pytest.approx(0.4 + 0.2 + 0.01 + 0.1)
    wide = mtop.scores_shown(found, "MRR@10")
    assert list(wide.index) == list(LEVELS)
    assert wide.loc["hybrid", (mtop.INTENT, "monolingual")] == "0.655 ± 0.007"
    assert wide.columns.tolist() == [(g, s) for g in readers for s in SETTINGS]
    said = mtop.scores_says(found, "MRR@10")
    assert (
        "same intent, cross-lingual: of the trained arms hybrid has the highest MRR@10, 0.605; "
        "then come x-x-mono 0.505 and x-y 0.405; before training it was 0.100." in said
    )
    figure = hbt.plots.groups(found, "MRR@10")
    assert len(figure.axes) == 3


def test_words_alone_are_a_last_row_where_they_were_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {"languages": "trained", "setting": "monolingual", "value": 0.8, "low": 0.7, "high": 0.9}
    measured = pd.DataFrame([{**row, "metric": "MRR@10"}, {**row, "metric": "mAP", "value": 0.3}])

    def read(study: Any, benchmark: str) -> pd.DataFrame | None:
        return measured if benchmark == "intents" else None

    monkeypatch.setattr(mtop.baseline, "read", read)
    readers: dict[str, Any] = {"same intent": FakeReader(0.0), "same domain": FakeReader(0.2)}
    for name, reader in zip(("intents", "domains"), readers.values(), strict=True):
        reader.benchmark = name
    found = mtop.scores(readers, ["MRR@10"])
    wide = mtop.scores_shown(found, "MRR@10", readers)
    assert list(wide.index) == [*LEVELS, "bm25"]
    assert wide.loc["bm25", ("same intent", "monolingual")] == "0.800 [0.700, 0.900]"
    assert wide.loc["bm25"].notna().sum() == 1
    assert "bm25" not in mtop.scores_shown(found, "MRR@10").index


def test_each_judgement_is_one_family(readers: Any) -> None:
    found = mtop.tests(readers)
    assert len(found) == 2 * 3
    assert found["what"].unique().tolist() == [
        "hybrid − x-y, same intent",
        "hybrid − x-y, same domain",
    ]
    said = mtop.tests_says(found, "MRR@10")
    assert "hybrid − x-y, same intent: +0.2" in said
    assert "(multilingual, may be chance)" in said
    assert "hybrid − x-y" in mtop.tests_shown(found, "MRR@10").to_html()
    answer = mtop.answer(found, "hybrid", "MRR@10")
    assert (
        "same domain: hybrid is above x-y (monolingual and cross-lingual) and not to be told from "
        "x-y (multilingual)." in answer
    )
    assert "over 2 seeds and up to 30 questions an arm" in answer
    assert "by unit (not corrected)" in answer
    with pytest.raises(ValueError, match="subject is 'x-y', and no declared difference is x-y − "):
        mtop.answer(found, "x-y", "MRR@10")
    turned = mtop.answer(found.assign(difference=-1.0, low=-1.1, high=-0.9), "hybrid", "MRR@10")
    assert "same intent: hybrid is below x-y (monolingual and cross-lingual)" in turned


def test_pairs_of_languages_from_worst_to_best(readers: Any) -> None:
    cells = mtop.pairs(readers[mtop.INTENT], ["x-y", "hybrid"])
    assert list(cells) == ["x-y", "hybrid"]
    said = mtop.pairs_says(cells, "MRR@10")
    assert "hybrid: from 0.605 (de → de) to 0.705 (en → en)." in said


@pytest.mark.parametrize("name", ["mtop", "mtop-multilingual", "mtop-tuning", "mtop-full"])
def test_arms_are_equal_in_all_but_what_is_compared(name: str) -> None:
    study = studies.load(name)
    varied = {"strategy", "seed", *({"learning_rate"} if name == "mtop-tuning" else ())}
    rest = [{k: v for k, v in r.parameters.items() if k not in varied} for r in study.runs]
    assert all(one == rest[0] for one in rest)
    assert rest[0]["pairs"] == "mtop"
    if name != "mtop-tuning":
        assert study.family is not None
        assert set(study.family.metrics) <= set(rest[0]["question_metrics"].split())
        assert study.benchmarks == ("mtop", "mtop-domain")
        readers = mtop.judgements(name, *study.benchmarks)
        assert readers[mtop.DOMAIN].benchmark == "mtop-domain"


def test_the_study_has_the_learning_rate_that_its_tuning_chose() -> None:
    file = studies.project_folder() / "results" / "mtop-tuning" / "summary.csv"
    if not file.exists():
        pytest.skip("the tuning was not run yet: make study STUDY=mtop-tuning")
    table = pd.read_csv(file)
    table["learning_rate"] = table["arm"].str.extract(r"learning_rate ([0-9.]+)")[0].astype(float)
    columns = [f"{setting} MRR@10" for setting in SETTINGS]
    means = table.groupby("learning_rate")[columns].mean().mean(axis=1)
    assert studies.load("mtop").runs[0].parameters["learning_rate"] == means.idxmax()


def test_unseen_languages_count_as_the_others_do() -> None:
    reader: Any = FakeReader(0.0)
    plain = mtop.scores({"same intent": reader}, ["MRR@10"])
    table = reader.measured()
    table.loc[table["query_language"] == "de", "languages"] = "unseen"
    reader.measured = lambda: table
    assert mtop.scores({"same intent": reader}, ["MRR@10"]).equals(plain)
