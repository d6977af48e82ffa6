"""The catalog: every dataset is named with what there is of it, and every name loads."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest
import training_layouts

import hbtlib as hbt

LOCAL = {
    "xquad-r": layouts.xquad_r,
    "mlqa-r": layouts.mlqa_dev,
    "xquad": layouts.xquad_hub,
    "mlqa": layouts.xtreme,
    "tydiqa-goldp": layouts.tydiqa_json,
    "belebele": layouts.belebele,
    "belebele-flores20": layouts.beir,
    "miracl": layouts.miracl,
    "miracl-hard-negatives": layouts.miracl_hard,
    "mtop": layouts.mtop_own,
    "mtop-domain": layouts.mtop_own,
    "xm3600": layouts.xm3600,
    "mlqa-pairs": layouts.pairs,
    "squad": layouts.squad_folder,
    "xnli": layouts.xnli,
    "afriqa": layouts.afriqa,
    "hinglish-top": layouts.hinglish_top,
    "mmarco-codemixed": layouts.mmarco_codemixed,
    "ntrex": layouts.ntrex,
    "folder": layouts.beir,
    **training_layouts.SETS,
}
LANGUAGES = {
    "tydiqa-goldp": ["en", "fi"],
    "miracl": ["sw"],
    "miracl-hard-negatives": ["sw"],
    "afriqa": ["yo", "en"],
    "hinglish-top": ["hi-en", "en"],
    "mmarco-codemixed": ["zh-en", "en"],
    **{name: ["en"] for name in training_layouts.SETS if name != "mmarco"},
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def test_every_data_set_of_the_catalog_loads(tmp_path: Path) -> None:
    # From small files in its layout; so that none is listed that cannot be had.
    found = hbt.catalog()
    assert set(found["name"]) == {*LOCAL, "worldfacts"}
    for name, kind in found[["name", "kind"]].itertuples(index=False):
        if name == "worldfacts":
            continue
        folder = tmp_path / name
        LOCAL[name](folder)
        languages = LANGUAGES.get(name, ["de", "en"])
        if kind == "benchmark":
            split = {"split": "train"} if name == "mlqa-pairs" else {}
            loaded = hbt.load_benchmark(name, folder, languages=languages, **split)
            assert len(loaded.queries)
            assert (loaded.judgements["grade"] > 0).any()
        else:
            split = {"split": "test"} if name == "folder" else {}
            assert len(hbt.load_pairs(name, folder, languages=languages, **split)) > 1


def test_the_catalog_says_what_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HBT_DATA", raising=False)
    assert set(hbt.catalog().query("offline")["name"]) == {"worldfacts", "folder", "squad"}
    (tmp_path / "xquad-r").mkdir()
    monkeypatch.setenv("HBT_DATA", str(tmp_path))
    assert set(hbt.catalog().query("offline")["name"]) == {
        "worldfacts",
        "folder",
        "squad",
        "xquad-r",
        "xquad",
    }
    assert set(hbt.catalog().columns) == {
        "name",
        "kind",
        "languages",
        "counts",
        "licence",
        "source",
        "read",
        "offline",
    }


def test_benchmarks_are_pairs_too(tmp_path: Path) -> None:
    layouts.xquad_r(tmp_path)
    pairs = hbt.load_pairs("xquad-r", tmp_path, languages=["de", "en"])
    assert len(pairs) == 4
    assert pairs.texts([0], "de", "query") == ["Wo entspringt er?"]
    assert pairs.texts([0], "en", "passage") == ["The river rises in the north."]
    with pytest.raises(
        ValueError, match=r"mtop-domain is no pairs; it is benchmark: hbt\.load_benchmark"
    ):
        hbt.load_pairs("mtop-domain", tmp_path)
    with pytest.raises(
        ValueError, match=r"a folder of your own is hbt\.load_benchmark\('folder', data="
    ):
        hbt.load_benchmark(str(tmp_path))
    with pytest.raises(ValueError, match="hold what 'xquad-r' evaluates on"):
        hbt.check_disjoint(pairs, hbt.load_benchmark("xquad-r", tmp_path, languages=["en"]))
