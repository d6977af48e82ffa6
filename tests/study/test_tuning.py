"""Which learning rate a tuning study found best."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbtlib.study.report import tuning

HEADER = "benchmark,languages,arm,monolingual mAP,cross-lingual mAP,monolingual R@10\n"


def write(folder: Path, *rows: str) -> None:
    """Writes the summary of a study named `some-tuning`."""
    file = folder / "results" / "some-tuning" / "summary.csv"
    file.parent.mkdir(parents=True)
    file.write_text(HEADER + "\n".join(rows) + "\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tuning, "project_folder", lambda: tmp_path)
    return tmp_path


def test_the_best_rate_is_first_and_settings_and_arms_count_alike(project: Path) -> None:
    write(
        project,
        'made,trained,"x-x, learning_rate 0.001",.5,.1,.9',
        'made,trained,"hybrid, learning_rate 0.001",.3,.1,.9',
        'made,trained,"x-x, learning_rate 3e-05",.4,.4,.1',
        'made,trained,"hybrid, learning_rate 3e-05",.4,.2,.1',
    )
    found = tuning.by_learning_rate("some-tuning")
    assert found["learning_rate"].tolist() == [3e-5, 0.001]
    assert found["mAP"].tolist() == pytest.approx([0.35, 0.25])
    assert found["arms"].tolist() == [2, 2]


def test_languages_never_trained_on_and_untrained_encoders_do_not_count(project: Path) -> None:
    write(
        project,
        'made,trained,"x-x, learning_rate 0.001",.5,.1,.9',
        'made,unseen,"x-x, learning_rate 0.001",.9,.9,.9',
        "made,trained,none,.9,.9,.9",
    )
    found = tuning.by_learning_rate("some-tuning")
    assert found["mAP"].tolist() == pytest.approx([0.3])


def test_the_rate_of_the_embeddings_is_another_one(project: Path) -> None:
    """Whichever of the two stands first in an arm's name."""
    write(
        project,
        'made,trained,"x-y, embedding_learning_rate 0.01, learning_rate 0.001",.5,.1,.9',
        'made,trained,"x-y, embedding_learning_rate 0.02, learning_rate 0.001",.3,.1,.9',
        'made,trained,"x-y, embedding_learning_rate 0.01, learning_rate 3e-05",.1,.1,.1',
        'made,trained,"x-y, embedding_learning_rate 0.02, learning_rate 3e-05",.1,.1,.1',
        'other,trained,"x-y, embedding_learning_rate 0.01, learning_rate 0.001",.5,.1,.9',
        'other,trained,"x-y, embedding_learning_rate 0.02, learning_rate 0.001",.3,.1,.9',
        'other,trained,"x-y, embedding_learning_rate 0.01, learning_rate 3e-05",.1,.1,.1',
        'other,trained,"x-y, embedding_learning_rate 0.02, learning_rate 3e-05",.1,.1,.1',
    )
    found = tuning.by_learning_rate("some-tuning")
    assert found["learning_rate"].tolist() == [0.001, 3e-5]
    assert found["mAP"].tolist() == pytest.approx([0.25, 0.1])
    assert found["arms"].tolist() == [2, 2]


def test_rates_are_compared_over_the_same_arms_alone(project: Path) -> None:
    write(
        project,
        'made,trained,"easy, learning_rate 0.001",.9,.9,.9',
        'made,trained,"easy, learning_rate 0.0001",.8,.8,.8',
        'made,trained,"hard, learning_rate 0.0001",.2,.2,.2',
    )
    with pytest.raises(ValueError, match=r"lacks hard on made at the learning rate 0\.001, which"):
        tuning.by_learning_rate("some-tuning")


def test_a_summary_without_rates_is_told_so(project: Path) -> None:
    write(project, "made,trained,none,.9,.9,.9")
    with pytest.raises(ValueError, match="has no arm with a learning rate in its name"):
        tuning.by_learning_rate("some-tuning")


def test_a_study_without_a_summary_says_how_to_make_it(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make study STUDY=some-tuning"):
        tuning.by_learning_rate("some-tuning")


def test_a_committed_study_chose_the_rate_that_its_study_uses() -> None:
    best = tuning.by_learning_rate("xquad-zero-shot-tuning")["learning_rate"].iloc[0]
    assert best == 0.0001
