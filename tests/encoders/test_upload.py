"""`push_to_hub` against a hub that only notes what it is given."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hbtlib as hbt


class Hub:
    """Stands for `huggingface_hub.HfApi`; what is uploaded is kept in a folder."""

    calls: list[tuple[str, dict[str, Any]]]
    folder: Path

    def __init__(self, token: str | None = None) -> None:
        self.calls.append(("token", {"token": token}))

    def create_repo(self, repository: str, **options: Any) -> None:
        self.calls.append((repository, options))

    def upload_folder(self, *, repo_id: str, folder_path: Path, commit_message: str) -> str:
        self.calls.append((repo_id, {"message": commit_message}))
        shutil.copytree(folder_path, self.folder)
        return f"https://hub.example/{repo_id}/commit/1"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    Hub.calls, Hub.folder = [], tmp_path / "uploaded"
    return Hub


def measured() -> pd.DataFrame:
    pairs = [(q, p) for q in ("de", "en") for p in ("de", "en", "all")]
    table = pd.DataFrame(pairs, columns=["query_language", "pool"])
    return table.assign(setting="multilingual", metric="mAP", value=0.5, n_queries=3)


def test_uploads_an_encoder_that_loads(hub: type[Hub], tiny_encoder_factory: Any) -> None:
    matplotlib.use("Agg")
    encoder = tiny_encoder_factory()
    address = encoder.push_to_hub(
        "me/my-encoder",
        pictures={"mAP by query and passage language": hbt.plots.heatmap(measured())},
        training={"languages": ["de", "en"], "strategy": "hybrid"},
        private=True,
        token="secret",
    )
    assert address == "https://hub.example/me/my-encoder/commit/1"
    assert hub.calls == [
        ("token", {"token": "secret"}),
        ("me/my-encoder", {"private": True, "exist_ok": True}),
        ("me/my-encoder", {"message": "Upload an encoder of hbtlib"}),
    ]
    again = hbt.Encoder.load(hub.folder, device="cpu")
    np.testing.assert_array_equal(again.embed(["question 1"]), encoder.embed(["question 1"]))
    card = (hub.folder / "README.md").read_text(encoding="utf-8")
    caption = "mAP by query and passage language"
    assert f"## Evaluation\n\n![{caption}](picture-1.png)\n\n{caption}\n\n## How to load" in card
    assert 'SentenceTransformer("me/my-encoder")' in card
    assert 'hbt.Encoder.load("me/my-encoder")' in card
    assert "| strategy | hybrid |" in card
    assert "secret" not in card
    assert Image.open(hub.folder / "picture-1.png").width > 300


def test_without_pictures(hub: type[Hub], tiny_encoder_factory: Any) -> None:
    tiny_encoder_factory().push_to_hub("me/plain")
    card = (hub.folder / "README.md").read_text(encoding="utf-8")
    assert "Evaluation" not in card
    assert "No training by hbtlib.\n\n## How to load it" in card


@pytest.mark.parametrize("name", ["", "mine", "a/b/c", "/tmp/folder", "me/", None])
def test_refused_names(hub: type[Hub], tiny_encoder_factory: Any, name: Any) -> None:
    with pytest.raises(ValueError, match=r"repository is .*; it is a name on the hub, as ORGANIS"):
        tiny_encoder_factory().push_to_hub(name)
    assert hub.calls == []


@pytest.mark.parametrize("pictures", [{"mAP": "heatmap.png"}, {" ": None}, ["heatmap.png"]])
def test_refused_pictures(hub: type[Hub], tiny_encoder_factory: Any, pictures: Any) -> None:
    with pytest.raises(ValueError, match="pictures "):
        tiny_encoder_factory().push_to_hub("me/mine", pictures=pictures)
    assert hub.calls == []
