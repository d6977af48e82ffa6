"""19-low-resource: what arms see and score, the adversary's weights, a language made scarcer."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib import study as studies
from hbtlib.data.benchmark import SETTINGS
from hbtlib.study import low_resource_page
from hbtlib.study import runs as study_runs
from hbtlib.study.report import low_resource
from hbtlib.study.report.reader import Reader

GAIN = {"hybrid": 0.1, "adversarial": 0.05, "x-y": 0.08, "none": -0.1}
BENCHMARKS = ("afriqa", "belebele-flores20", "tydiqa-goldp")
LOSS = {100.0: 0.0, 30.0: 0.01, 10.0: 0.02, 3.0: 0.04}


def value(run: studies.Run, setting: str) -> float:
    """A made score: the arm's, less what scarcity takes, and a thousandth a seed."""
    arm, left = low_resource.cut_of(run.arm)
    weight = low_resource.weight_of(run) or 0
    loss = LOSS[left] * (2 if arm == "adversarial" else 1)
    seed = 0.001 * run.parameters["seed"]
    return 0.3 + 0.1 * SETTINGS.index(setting) + GAIN.get(arm, 0) - loss - 0.001 * weight + seed


def metrics(run: studies.Run) -> pd.DataFrame:
    pairs = [
        ("monolingual", "en", "en", 0.0),
        ("cross-lingual", "sw", "en", 0.05),
        ("cross-lingual", "zu", "en", -0.05),
        ("multilingual", "sw", "all", 0.05),
        ("multilingual", "zu", "all", -0.05),
    ]
    rows = [
        (setting, query, pool, metric, value(run, setting) + extra)
        for setting, query, pool, extra in pairs
        for metric in ("mAP", "R@10")
    ]
    columns = ["setting", "query_language", "pool", "metric", "value"]
    return pd.DataFrame(rows, columns=columns).assign(benchmark="afriqa", n_queries=10)


def met(run: studies.Run) -> pd.DataFrame:
    rows = [("x-x", "en", "en", 60, 20), ("x-x", "sw", "sw", 10, 5)]
    if run.parameters["strategy"] != "x-x":
        rows += [("x-y", "zu", "en", 20, 9), ("x-y", "en", "sw", 10, 5)]
    columns = ["kind", "query_language", "passage_language", "pairs", "ids"]
    return pd.DataFrame(rows, columns=columns)


def probe(run: studies.Run) -> pd.DataFrame:
    told = 0.9 - 0.01 * (low_resource.weight_of(run) or 0)
    rows = [("en", told + 0.02, 0.5), ("fr", told - 0.02, 0.5)]
    table = pd.DataFrame(rows, columns=["language", "accuracy", "chance"])
    return table.assign(benchmark="afriqa")


def questions(run: studies.Run) -> pd.DataFrame:
    """Forty questions around the score of the arm, whatever encoder its name begins with."""
    arm = run.arm.split(" ")[-1]
    rows = [
        ("trained", setting, f"q{i}", 0.3 + GAIN.get(arm, 0) + 0.001 * (i % 5), float(i))
        for setting in ("monolingual", "multilingual")
        for i in range(40)
    ]
    columns = ["languages", "setting", "question_id", "mAP", "rank-distance"]
    return pd.DataFrame(rows, columns=columns).assign(benchmark="afriqa")


TABLES: dict[str, Any] = {
    "metrics": metrics,
    "met": met,
    "language_probe": probe,
    "questions": questions,
}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The study on AfriQA, whose runs left made tables."""

    def run_table(run: studies.Run, what: str) -> pd.DataFrame:
        return TABLES[what](run)

    def collect(self: Reader, what: str, *, rivals: bool = False) -> pd.DataFrame:
        assert not rivals
        named = [
            TABLES[what](run).assign(arm=run.arm, seed=run.parameters["seed"])
            for run in self.study.runs
        ]
        table = pd.concat(named, ignore_index=True)
        return table[table["benchmark"] == self.benchmark]

    monkeypatch.setattr(low_resource, "run_table", run_table)
    monkeypatch.setattr(Reader, "collect", collect)
    return Reader("low-resource", "afriqa")


def test_an_arm_with_less_of_a_language_is_known_by_its_name() -> None:
    assert low_resource.cut_of("adversarial (3 % sw)") == ("adversarial", 3.0)
    assert low_resource.cut_of("adversarial on x-x") == ("adversarial on x-x", 100.0)
    assert low_resource.language_cut(["hybrid", "x-y (10 % sw)"]) == "sw"
    with pytest.raises(ValueError, match="no arm of this study is named like"):
        low_resource.language_cut(["hybrid"])


def test_the_names_of_the_arms_say_what_they_are_trained_on() -> None:
    study = studies.load("low-resource")
    whole = {run.arm: run for run in study.runs if low_resource.cut_of(run.arm)[1] == 100}
    cut = [run for run in study.runs if low_resource.cut_of(run.arm)[1] < 100]
    assert len(cut) == 3 * 4 * 5
    for run in cut:
        arm, left = low_resource.cut_of(run.arm)
        shares = run.parameters["pairs_options"]["xnli"]["shares"]
        assert shares == {"sw": pytest.approx(left / 100)}
        other = whole[arm].parameters
        unlike = {name for name in other if other[name] != run.parameters[name]}
        assert unlike <= {"pairs_options", "seed"}


def test_all_arms_have_the_same_data_steps_batches_and_rates() -> None:
    names = ("low-resource", "low-resource-sweep")
    every = [run for name in names for run in studies.load(name).runs]
    alike = ("pairs", "languages", "overlap", "benchmark", "benchmark_options", "steps")
    alike += ("batch_size", "learning_rate", "embedding_learning_rate", "temperature", "encoder")
    for name in alike:
        assert len({str(run.parameters[name]) for run in every}) == 1, name
    Reader("low-resource").check_comparable()
    Reader("low-resource-full").check_comparable()  # with rivals at the same scale
    full = studies.load("low-resource-full")
    assert {run.arm for run in full.runs} == {run.arm for run in studies.load(names[0]).runs}


def test_what_arms_see(reader: Reader) -> None:
    found = low_resource.seen(reader)
    assert "none" not in found.index
    assert found.loc["x-x"].tolist() == pytest.approx([70, 10 / 70, 1.0, 10 / 70])
    assert found.loc["hybrid"].tolist() == pytest.approx([100, 0.3, 0.7, 0.2])
    said = low_resource.seen_says(found)
    assert "Every arm sees 70 to 100 pairs." in said
    assert "x-x 14%" in said
    assert "(3 % sw)" not in said
    assert "14.3%" in low_resource.seen_shown(found).to_html()


def test_the_main_table_has_the_arms_that_have_everything(reader: Reader) -> None:
    found = low_resource.scores(reader)
    arms = found.loc["trained"].index
    assert list(arms[:4]) == ["x-x", "x-y", "hybrid", "none"]
    assert not [arm for arm in arms if "%" in arm]
    assert found.loc[("trained", "hybrid"), ("monolingual", "mAP")] == "0.402 ± 0.002"
    assert "unseen" not in found.index
    said = low_resource.leaders_says(reader)
    assert (
        "Monolingual, languages trained on: hybrid is best (mAP 0.402); adversarial 0.349 and "
        "none 0.200." in said
    )


def test_the_adversarys_weights(reader: Reader) -> None:
    found = low_resource.sweep(reader)
    assert set(found["arm"]) == {"on x-x", "on x-y"}
    weights = found[found["arm"] == "on x-x"].groupby("ids")["seed"].nunique()
    assert weights.to_dict() == {0.0: 3, 0.3: 3, 3.0: 3, 30.0: 3}  # the seeds that all have
    drawn = low_resource.sweep_drawn(found)
    assert drawn["ids"].min() == 0.3
    figure = hbt.plots.size_curves(drawn, label="λ")
    assert figure.axes[0].get_xlabel() == "λ"
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["0.3", "3", "30"]
    html = low_resource.sweep_shown(found).to_html()
    assert "language told" in html
    assert "0.600 ± 0.000" in html  # told at λ = 30
    said = low_resource.sweep_says(found)
    assert "an accuracy of 0.900 without an adversary and 0.600 at λ = 30" in said
    assert "(chance 0.500)" in said


def test_a_language_made_scarcer(reader: Reader) -> None:
    found = low_resource.scarcity(reader)
    assert set(found["arm"]) == {"x-x", "x-y", "hybrid", "adversarial"}
    assert set(found["ids"]) == {3.0, 10.0, 30.0, 100.0}
    assert set(found["setting"]) == {
        "cross-lingual",
        "multilingual",
    }  # nothing is monolingual in sw
    keys = ["arm", "ids", "setting", "metric"]
    means = found.groupby(keys)["value"].mean()
    assert means["hybrid", 3.0, "cross-lingual", "mAP"] == pytest.approx(0.3 + 0.15 + 0.1 - 0.038)
    said = low_resource.scarcity_says(found, "sw")
    assert "Cross-lingual, mAP with all of sw and with 3 %: hybrid 0.552 to 0.512" in said
    assert "adversarial loses most (−0.080)" in said
    hbt.plots.size_curves(found, label="share")


def test_without_queries_in_the_language_its_pool_counts(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_pools(run: studies.Run) -> pd.DataFrame:
        table = metrics(run)
        table = table[table["query_language"] == "zu"]
        return table.assign(pool=table["pool"].replace("en", "sw"))

    monkeypatch.setitem(TABLES, "metrics", of_pools)
    found = low_resource.scarcity(reader)
    assert set(found["setting"]) == {"cross-lingual"}


def made_tests(low: float = 0.02) -> pd.DataFrame:
    rows = [
        (contrast, setting, difference, difference - low, difference + low, p)
        for contrast, difference, p in (
            ("hybrid − adversarial", 0.05, 0.01),
            ("hybrid − adversarial (3 % sw)", 0.01, 0.9),
        )
        for setting in ("cross-lingual", "multilingual")
    ]
    columns = ["contrast", "setting", "difference", "low", "high", "p_holm"]
    return pd.DataFrame(rows, columns=columns).assign(metric="mAP", languages="trained")


def test_the_answer_is_of_the_declared_tests(reader: Reader) -> None:
    said = low_resource.answer(reader, made_tests(), low_resource.scarcity(reader))
    assert (
        "With all training data, hybrid − adversarial is +0.050 (cross-lingual) and +0.050 "
        "(multilingual) in mAP" in said
    )
    assert "With 3 % of sw, hybrid − adversarial (3 % sw) is +0.010 (cross-lingual, may be" in said
    assert "means are those of hybrid (monolingual), hybrid (cross-lingual) and hybrid" in said
    assert "over 5 seeds, on afriqa and with the encoder 'small'." in said


def test_a_difference_that_was_not_declared_is_not_told_as_none(reader: Reader) -> None:
    tests = made_tests()
    tests = tests[tests["contrast"] != "hybrid − adversarial (3 % sw)"]
    said = low_resource.answer(reader, tests, low_resource.scarcity(reader))
    assert "hybrid − adversarial (3 % sw) is no declared difference of this study." in said


def test_the_differences_that_are_told_were_declared() -> None:
    declared = studies.load("low-resource").family
    assert declared is not None
    asked = {low_resource.RIVAL, f"{low_resource.RIVAL} (3 % sw)"}
    assert {f"hybrid − {name}" for name in asked} <= set(declared.differences)


def test_encoders_that_were_trained_before(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "low-resource-pretrained"
    monkeypatch.setattr(study_runs, "project_folder", lambda: tmp_path)
    assert low_resource.pretrained(name, "afriqa") is None
    assert low_resource.pretrained("", "afriqa") is None
    assert "were not made here" in low_resource.pretrained_says(None, name)
    runs = studies.load(name).runs
    for count, run in enumerate(runs):
        if count == 2:
            found = low_resource.pretrained(name, "afriqa")
            said = low_resource.pretrained_says(found, name)
            assert said.startswith("- Of 10 runs 2 are made, 1 seed an arm.")
            assert "me5-small, of none and x-x: the best are none and x-x (trained" in said
            assert "minilm" not in said
        run.folder.mkdir(parents=True)
        (run.folder / "metrics.parquet").touch()
    found = low_resource.pretrained(name, "afriqa")
    assert found is not None
    assert found.index.get_level_values("arm")[0] == "me5-small none"
    assert len(found) == 10
    said = low_resource.pretrained_says(found, name)
    # All made-up runs score alike, so all lead.
    assert "adversarial: the best are none, x-x, x-y and hybrid (trained, monolingual, 0.3" in said
    assert "- minilm, of none, x-x" in said
    assert "All 10 runs are made, 1 seed an arm." in said


def test_differences_of_encoders_that_were_trained_before(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "low-resource-pretrained"
    monkeypatch.setattr(study_runs, "project_folder", lambda: tmp_path)
    assert low_resource.pretrained_tests("", reader) is None
    missing = low_resource.pretrained_tests(name, reader)
    assert missing is None
    assert low_resource.pretrained_tests_says(missing, name) == f"No tests of {name} are there."
    for run in studies.load(name).runs:
        run.folder.mkdir(parents=True)
        (run.folder / "questions.parquet").touch()
    monkeypatch.setattr(Reader, "units", lambda self: {f"q{i}": i // 2 for i in range(40)})
    tests = low_resource.pretrained_tests(name, reader)
    assert tests is not None
    declared = studies.load(name).family
    assert declared is not None
    assert set(tests["contrast"]) == set(declared.differences)
    own = tests[(tests["contrast"] == "minilm hybrid − adversarial") & (tests["metric"] == "mAP")]
    assert own["difference"].to_numpy() == pytest.approx(0.05)
    assert own["n_units"].to_numpy() == pytest.approx(20)
    said = low_resource.pretrained_tests_says(tests, name)
    assert "- minilm hybrid − none: +0.200 (monolingual) and +0.200 (multilingual)." in said
    assert "- me5-small hybrid − x-y: +0.020 (monolingual) and +0.020 (multilingual)." in said


def test_a_weight_is_known_of_runs_with_and_without_an_adversary() -> None:
    def run(**parameters: Any) -> Any:
        plain = {"objective": "info-nce", "strategy": "x-y", "objective_options": {}}
        return SimpleNamespace(parameters=plain | parameters)

    assert low_resource.weight_of(run()) == 0
    assert low_resource.weight_of(run(strategy="hybrid")) is None
    assert low_resource.weight_of(run(objective="one-to-k")) is None
    adversary = run(objective="adversarial", objective_options={"weight": 3.0})
    assert low_resource.weight_of(adversary) == 3


# docs/results/low-resource.md


def test_the_page_is_that_of_the_results() -> None:
    file = studies.project_folder() / "docs" / "results" / "low-resource.md"
    written = file.read_text(encoding="utf-8")
    assert written == low_resource_page.page(), "run python -m hbtlib.study.low_resource_page"


def test_without_runs_the_page_has_no_numbers_of_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(low_resource_page, "are_made", lambda runs: False)
    assert low_resource_page.page().endswith(low_resource_page.WAITING)


@pytest.mark.slow
def test_with_runs_the_page_has_every_benchmark(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, make in list(TABLES.items()):
        monkeypatch.setitem(TABLES, name, lambda run, make=make: on_all(make(run)))
    monkeypatch.setattr(low_resource_page, "are_made", lambda runs: len(runs) > 20)
    asked = made_tests().assign(n_questions=1200)
    monkeypatch.setattr(low_resource, "effects", lambda reader: asked)
    found = low_resource_page.page()
    assert reader.study.benchmarks == BENCHMARKS
    for benchmark in BENCHMARKS:
        assert f"## On {benchmark}\n" in found
        assert f"- **{benchmark}.** With all training data" in found
        assert f"figures/low-resource/{benchmark}/low-resource-shares.png" in found
    assert "| trained | hybrid | 0.402 ± 0.002 |" in found
    row = "| hybrid − adversarial | cross-lingual | +0.050 ★ [+0.030, +0.070] | 1,200 |"
    assert row in found
    assert "Encoders that were trained before" not in found
    assert low_resource_page.WAITING not in found


def on_all(table: pd.DataFrame) -> pd.DataFrame:
    """A made table, the same for every benchmark of the study."""
    if "benchmark" not in table:
        return table
    return pd.concat([table.assign(benchmark=name) for name in BENCHMARKS], ignore_index=True)


@pytest.mark.slow
def test_the_notebook_shows_it(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HBT_OUTPUT", str(tmp_path))
    (tmp_path / "results" / "low-resource").mkdir(parents=True)
    asked = made_tests().assign(n_questions=1200, n_seeds=5)
    monkeypatch.setattr(low_resource, "effects", lambda reader: asked)
    source = studies.notebook_file("low-resource").read_text(encoding="utf-8")
    cells = ["".join(c["source"]) for c in json.loads(source)["cells"] if c["cell_type"] == "code"]
    namespace: dict[str, Any] = {"display": lambda *shown: None}
    for cell in cells:
        exec(cell, namespace)
    figures = tmp_path / "figures" / "low-resource" / "afriqa"
    assert len(list(figures.glob("*.png"))) == 3
    assert len(list((tmp_path / "results" / "low-resource").glob("*-afriqa.csv"))) == 3


def test_a_gain_is_not_told_as_a_loss() -> None:
    gains = pd.Series({"hybrid": 0.01, "x-y": 0.05})
    assert low_resource._most_lost(gains) == "None loses 0.001 or more."
    losses = pd.Series({"hybrid": -0.0101, "x-y": -0.0099, "x-x": 0.2})
    assert low_resource._most_lost(losses) == "hybrid and x-y lose most (−0.010)."
