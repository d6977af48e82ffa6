"""mMARCO: texts looked up by id, tables made once a language, room on the disk, and bad files."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pyarrow as pa
import pytest
import training_layouts

import hbtlib as hbt
from hbtlib.data.formats import kept, text_table
from hbtlib.data.formats.checks import DataError
from hbtlib.data.pairs import Pairs
from hbtlib.data.sets import mmarco
from hbtlib.data.triple_pairs import TriplePairs
from hbtlib.training.request import describe_request

TWO = ["de", "en"]
GOOGLE = Path("data") / "google"
TRIPLES = Path("data") / "triples.train.ids.small.tsv"
COLLECTION = GOOGLE / "collections" / "german_collection.tsv"
QUERIES = GOOGLE / "queries" / "train" / "german_queries.train.tsv"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "cache" / "hbtlib"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    training_layouts.mmarco(tmp_path / "mmarco")
    return tmp_path / "mmarco"


def load(folder: Path, **options: Any) -> TriplePairs:
    return mmarco.load_pairs(folder, languages=TWO, **options)


def written_out(pairs: TriplePairs) -> Pairs:
    """The same pairs with a text of its own for every id: what they must behave like."""
    from datasets import Dataset

    table = {
        name: [f"{word} {what} {i}" for i in of]
        for word in TWO
        for what, of in (
            ("query", [i % 20 for i in range(200)]),
            ("passage", [i % 60 for i in range(200)]),
        )
        for name in [f"{what}_{word}"]
    }
    for word in TWO:
        table[f"negatives_{word}"] = [[f"{word} passage {(i + 31) % 60}"] for i in range(200)]
    keys = {
        "query_key": [training_layouts.query_id(i % 20) for i in range(200)],
        "passage_key": [i % 60 for i in range(200)],
    }
    return Pairs(pairs.name, Dataset.from_dict({**table, **keys}))


def test_triples_are_pairs_like_those_whose_texts_are_written_out(folder: Path) -> None:
    found = load(folder)
    whole = written_out(found)
    chosen = np.random.default_rng(0).integers(0, 200, 40)
    for pairs, same in (
        (found, whole),
        (found.select(chosen), whole.select(chosen)),
        (found.sample(50, 3), whole.sample(50, 3)),
        (pickle.loads(pickle.dumps(found)), whole),
    ):
        assert len(pairs) == len(same)
        assert repr(pairs) == repr(same)
        ids = np.arange(len(pairs))
        languages = np.array(TWO)[ids % 2]
        for role in ("query", "passage"):
            assert pairs.texts(ids, languages, role) == same.texts(ids, languages, role)
            assert pairs.keys(ids, role).tolist() == same.keys(ids, role).tolist()
            assert pairs.stands(ids, "de", role).all()
            assert not pairs.stands(ids, "fr", role).any()
        assert pairs.negatives(ids, languages) == same.negatives(ids, languages)
        assert pairs.query_mask.tolist() == same.query_mask.tolist()
    for pairs in (found, found.select(chosen)):  # one number stands for all masks
        assert pairs.query_mask.strides == pairs.passage_mask.strides == (0,)
    with pytest.raises(KeyError, match="has no passage in 'fr'"):
        found.texts([0], "fr", "passage")
    with pytest.raises(IndexError):
        found.texts([200], "de", "query")
    with pytest.raises(ValueError, match="no id is selected"):
        found.select([])


def test_the_batches_are_those_of_pairs_whose_texts_are_written_out(folder: Path) -> None:
    found = load(folder)
    plans = [hbt.BatchPlan(pairs, batch_size=8, seed=1) for pairs in (found, written_out(found))]
    for t in range(len(plans[0])):
        ours, theirs = (plan[t] for plan in plans)
        assert ours.ids.tolist() == theirs.ids.tolist()
        assert ours.passage_languages.tolist() == theirs.passage_languages.tolist()


def test_without_the_third_column_there_are_no_negatives(folder: Path) -> None:
    found = load(folder, negatives=False)
    assert not found.has_negatives
    assert found.negatives([0, 1], "de") == [[], []]
    assert load(folder).has_negatives


def test_the_validation_split_is_what_is_judged_relevant(folder: Path) -> None:
    found = load(folder, split="validation")
    assert len(found) == 19  # one of twenty has grade 0
    assert found.texts([0, 7], "en", "query") == ["en query 0", "en query 8"]
    assert not found.has_negatives


def test_tables_are_made_once_and_finished_languages_are_kept(
    folder: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(folder / COLLECTION, folder / "away")
    with pytest.raises(DataError, match=r"has no data/google/collections/german_collection.tsv"):
        mmarco.load_pairs(folder, languages=["en", "de"])
    made = {file.name.rpartition("-")[0] for file in cache.iterdir()}
    assert made == {
        "mmarco-triples",
        "mmarco-en-passages",
        "mmarco-en-train-queries",
        "mmarco-de-train-queries",
    }
    shutil.move(folder / "away", folder / COLLECTION)
    capsys.readouterr()
    mmarco.load_pairs(folder, languages=["en", "de"])
    assert capsys.readouterr().out.count("making Arrow") == 1
    mmarco.load_pairs(folder, languages=["en", "de"])
    assert capsys.readouterr().out == ""
    with (folder / COLLECTION).open("a") as file:  # a file that changes is read again
        file.write("60\tnoch ein Text\n")
    load(folder)
    assert capsys.readouterr().out.count("making Arrow") == 1
    assert not list(cache.glob(".*"))


def test_the_files_may_lie_in_one_folder(folder: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for file in folder.rglob("*.tsv"):
        shutil.copy(file, flat / file.name)
    assert load(flat).texts([3], "de", "query") == ["de query 3"]


def test_what_lacks_in_a_language_is_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / COLLECTION).read_text().splitlines(keepends=True)
    lines[5] = "5\t \u200b\n"  # nothing to be seen
    (folder / COLLECTION).write_text("".join(lines[:59]))  # the last one is gone
    queries = (folder / QUERIES).read_text().splitlines(keepends=True)
    (folder / QUERIES).write_text("".join(queries[1:]))
    found = load(folder)
    assert found.left_out == {
        "queries lacking or empty in de": 1,
        "passages lacking or empty in de": 2,
    }
    assert "2 passages lacking or empty in de" in capsys.readouterr().out
    ids = np.arange(200)
    lacks = {i for i in range(200) if {i % 60, (i + 31) % 60} & {5, 59}}
    assert set(np.flatnonzero(~found.stands(ids, "de", "passage"))) == lacks
    assert set(np.flatnonzero(~found.stands(ids, "de", "query"))) == set(range(0, 200, 20))
    assert found.stands(ids, "en", "query").all()
    with pytest.raises(KeyError, match="id 0 has no query in 'de'"):
        found.texts([1, 0], "de", "query")
    part = found.select([0, 1, 5])
    assert part.stands([0, 1, 2], "de", "passage").tolist() == [True, True, False]
    with pytest.raises(DataError, match="id 0 has no query in any language"):
        mmarco.load_pairs(folder, languages=["de"])


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (COLLECTION, "60\tzwei\tTexte", r"line 61: 3 columns instead of 2"),
        (COLLECTION, "sechzig\tText", r"line 61: the id is 'sechzig', where a whole number"),
        (COLLECTION, "-1\tText", r"line 61: the id is '-1', where a whole number"),
        (COLLECTION, "2147483648\tText", r"line 61: the id is '2147483648'"),
        (COLLECTION, "60", r"line 61: 1 columns instead of 2"),
        (COLLECTION, "5\tText", r"the id 5 stands twice, as text 6 and text 61"),
        (QUERIES, "0\tFrage", r"the id 0 stands twice, as text 1 and text 21"),
        (TRIPLES, "1\t2", r"line 201: 2 columns instead of 3"),
        (TRIPLES, "1\t2\t3.5", r"line 201: the negative_key is '3\.5'"),
        (TRIPLES, "0\t99\t3", r"id 200 has no passage in any language; .*cut off"),
    ],
)
def test_a_bad_line_is_named(folder: Path, cache: Path, file: Path, line: str, said: str) -> None:
    with (folder / file).open("a", encoding="utf-8") as out:
        out.write(line + "\n")
    with pytest.raises(DataError, match=said) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert not list(cache.glob(".*")), "nothing half-made is left"


def test_a_file_that_is_no_text_or_empty_is_refused(folder: Path) -> None:
    content = (folder / COLLECTION).read_bytes()
    (folder / COLLECTION).write_bytes(content + b"60\t\xff\xfe\n")
    with pytest.raises(DataError, match=r"line 61: byte 4 .* is not UTF-8"):
        load(folder)
    (folder / COLLECTION).write_bytes(b"")
    with pytest.raises(DataError, match=r"german_collection.tsv: no text in it"):
        load(folder)
    (folder / TRIPLES).write_bytes(b"")
    with pytest.raises(DataError, match=r"small.tsv: no triples in it"):
        load(folder)


def test_quotes_and_blanks_are_texts_like_others(folder: Path) -> None:
    lines = (folder / COLLECTION).read_text().splitlines()
    lines[3] = '3\t "NA" und \u00a0'
    lines[4] = '4\t"'
    lines[6] = "6\tnull"
    (folder / COLLECTION).write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    found = load(folder)
    assert found.texts([3, 4, 6, 7], "de", "passage") == [
        '"NA" und',
        '"',
        "null",
        "de passage 7",
    ]
    assert not found.left_out


def test_too_little_room_is_said_before_anything_is_made(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(DataError, match=r"0\.0 MB of Arrow files to make, but 0\.0 MB are free"):
        load(folder)
    assert not cache.exists()
    monkeypatch.undo()
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", cache.parent)
    monkeypatch.setattr(kept, "SAID_FROM", 1)
    load(folder)
    assert "mmarco: 0.0 MB to download and 0.0 MB of Arrow files to make in" in (
        capsys.readouterr().out
    )


def test_the_room_for_the_hubs_files_is_known_before_they_are_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[int, int]] = []

    def refuse(name: str, download: int, arrow: int) -> None:
        asked.append((download, arrow))
        raise DataError("stop")

    monkeypatch.delenv("HBT_DATA", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(mmarco, "check_room", refuse)
    with pytest.raises(DataError, match="stop"):
        mmarco.load_pairs(languages=["hi"])
    assert asked == [(7_649_320_531 + 82_511_017 + 905_211_990,) * 2]
    assert mmarco.COLLECTION_BYTES.keys() == mmarco.QUERY_BYTES.keys() == mmarco.NAMES.keys()


def test_an_unknown_split_or_language_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="mmarco has no split 'dev'; it has train and validation"):
        load(folder, split="dev")
    with pytest.raises(DataError, match="mmarco has no language 'sw'"):
        mmarco.load_pairs(folder, languages=["sw"])


def test_the_overlap_is_found_in_every_id_that_has_the_text(folder: Path) -> None:
    found = load(folder)
    layouts_of = {"query_id": ["q"], "language": ["de"], "text": ["de query 3"]}
    import pandas as pd

    benchmark = hbt.Benchmark(
        "asks",
        pd.DataFrame(layouts_of),
        pd.DataFrame({"passage_id": ["p"], "language": ["en"], "text": ["EN  passage 7"]}),
        pd.DataFrame({"query_id": ["q"], "passage_id": ["p"]}),
    )
    clean = hbt.leave_out(found, benchmark)
    holds = {i for i in range(200) if i % 20 == 3 or 7 in (i % 60, (i + 31) % 60)}
    assert len(clean) == 200 - len(holds)
    hbt.check_disjoint(clean, benchmark)
    whole = written_out(found)
    assert clean.rows([0])["query_de"] == hbt.leave_out(whole, benchmark).rows([0])["query_de"]


def test_further_negatives_take_the_place_of_the_triples(folder: Path, tmp_path: Path) -> None:
    found = load(folder).sample(20)
    mined = pa.array([["mined"]] * 20, pa.list_(pa.string()))
    more = found.with_columns({"negatives_de": mined})
    assert more.negatives([0, 1], ["de", "en"])[0] == ["mined"]
    assert more.negatives([1], "en") == found.negatives([1], "en")
    more.save(tmp_path / "saved")
    from datasets import load_from_disk

    kept_pairs = Pairs("mmarco", load_from_disk(str(tmp_path / "saved")))
    assert kept_pairs.texts([4], "en", "passage") == found.texts([4], "en", "passage")
    assert kept_pairs.negatives([0], "de") == [["mined"]]


def test_the_request_of_a_training_knows_the_texts(folder: Path) -> None:
    from hbtlib.training.options import TrainingOptions

    def described() -> str:
        return json.dumps(describe_request(load(folder), "encoder", TrainingOptions())["pairs"])

    before = described()
    assert before == described()
    content = (folder / COLLECTION).read_text()
    (folder / COLLECTION).write_text(content.replace("passage", "Absatz"))
    assert described() != before


def test_a_table_of_ids_in_no_order_finds_each_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = rng.permutation(5000)[:700]
    layouts.put(tmp_path / "t.tsv", "".join(f"{i}\ttext {i}\n" for i in ids))
    table = text_table.text_table("t", tmp_path / "t.tsv")
    asked = rng.permutation(5000)
    assert table.has(asked).tolist() == [i in set(ids.tolist()) for i in asked.tolist()]
    some = rng.choice(ids, 300)
    assert table.texts(some) == [f"text {i}" for i in some]
    assert len(table) == 700
