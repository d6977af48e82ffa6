"""Damaged checkpoints and models: named, never used in silence; a full disk in one sentence."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from conftest import stopped
from quick_training import QUICK, contrary, weights
from safetensors.torch import save_file

from hbtlib.data.pairs import Pairs
from hbtlib.files import DamagedFile, explain_full_disk
from hbtlib.training.checkpoints import last_whole_checkpoint
from hbtlib.training.manifest import check_manifest, write_manifest
from hbtlib.training.trainer import train

Damage = Callable[[Path], Any]
SHORT: dict[str, Any] = {**QUICK, "steps": 9, "evaluate_every": 3}


def flip(file: Path) -> None:
    """Flips one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def cut(file: Path) -> None:
    """Leaves the first half of a file."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGES: dict[str, Damage] = {
    "flipped": flip,
    "cut": cut,
    "empty": lambda file: file.write_bytes(b""),
    "gone": Path.unlink,
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"x"),
    "text": lambda file: file.write_text("ä" * 20, encoding="latin-1"),
}


def make_checkpoints(folder: Path, *steps: int, best: int | None = None) -> None:
    """Checkpoints as a training leaves them, with few bytes in each."""
    for step in steps:
        checkpoint = folder / f"checkpoint-{step}"
        (checkpoint / "deeper").mkdir(parents=True)
        (checkpoint / "trainer_state.json").write_text(json.dumps({"best_global_step": best}))
        for name in ("model.safetensors", "optimizer.pt", "deeper/rng_state.pth"):
            (checkpoint / name).write_bytes(f"{name} of step {step}".encode() * 20)
        write_manifest(checkpoint, "whole")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "optimizer.pt", "deeper/rng_state.pth", "trainer_state.json", "whole"],
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: str
) -> None:
    make_checkpoints(tmp_path, 6, 12)
    DAMAGES[damage](tmp_path / "checkpoint-12" / name)
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-6")
    printed = capsys.readouterr().out
    if (name, damage) != ("whole", "gone"):  # then it was not written to its end
        assert printed.startswith("checkpoint-12 is not used: ")
        assert name in printed
        assert printed.endswith("; the training resumes from checkpoint-6\n")
        assert printed.count("\n") == 1
    assert not (tmp_path / "checkpoint-12").exists()


def test_without_a_whole_checkpoint_it_begins_with_the_first_step_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_checkpoints(tmp_path, 6, 12)
    for step in (6, 12):
        flip(tmp_path / f"checkpoint-{step}" / "model.safetensors")
    assert last_whole_checkpoint(tmp_path) is None
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["checkpoint-12", "checkpoint-6"]
    assert all(line.endswith("the training begins with the first step") for line in lines)


def test_a_checkpoint_without_the_best_one_is_not_resumed_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The best weights would be lost, and the last ones kept in their place without a word."""
    make_checkpoints(tmp_path, 6, 12, best=6)
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-12")
    flip(tmp_path / "checkpoint-6" / "model.safetensors")
    assert last_whole_checkpoint(tmp_path) is None
    make_checkpoints(tmp_path, 12, best=6)  # the best is gone
    assert last_whole_checkpoint(tmp_path) is None
    assert "checkpoint-6" in capsys.readouterr().out


def test_an_older_checkpoint_without_checksums_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "checkpoint-3" / "whole").touch()
    (tmp_path / "checkpoint-best").mkdir()  # nobody's
    assert last_whole_checkpoint(tmp_path) is None
    assert (tmp_path / "checkpoint-best").exists()


def test_resumed_past_damage_it_ends_at_the_same_weights(
    tiny_pairs: Pairs,
    tiny_encoder_factory: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(name: str) -> None:
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / name, **SHORT)

    run("whole")
    for damaged, then in (((6,), "resumes from checkpoint-3"), ((3, 6), "begins with the first")):
        shutil.rmtree(tmp_path / "killed", ignore_errors=True)
        stopped(7, lambda: run("killed"))
        for step in damaged:
            flip(tmp_path / "killed" / "checkpoints" / f"checkpoint-{step}" / "optimizer.pt")
        run("killed")
        assert f"the training {then}" in capsys.readouterr().out
        assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_in_another_place_the_best_weights_are_still_kept(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """transformers forgets the best checkpoint where its path has changed, and keeps the last."""

    def run(name: str) -> None:
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / name,
            validation=contrary(tiny_pairs),
            **SHORT,
        )

    run("whole")
    stopped(8, lambda: run("killed"))
    (tmp_path / "killed").rename(tmp_path / "moved")
    run("moved")
    assert weights(tmp_path / "moved") == weights(tmp_path / "whole")


def test_best_weights_that_are_damaged_at_the_end_are_not_kept(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    from hbtlib.encoders.encoder import Encoder

    calls = []

    def score(encoder: Encoder) -> float:
        """The first validation is the best; at the last, its checkpoint is damaged."""
        calls.append(1)
        if len(calls) == 3:
            flip(tmp_path / "run" / "checkpoints" / "checkpoint-3" / "model.safetensors")
        return -float(len(calls))

    with pytest.raises(DamagedFile, match=r"the best weights cannot be read: .*checkpoint-3.* run"):
        train(
            tiny_pairs, tiny_encoder_factory(), output=tmp_path / "run", validation=score, **SHORT
        )
    assert not (tmp_path / "run" / "model").exists()


@pytest.fixture(scope="module")
def finished(tiny_encoder_factory: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of two steps."""
    codes = ("aa", "bb")
    texts = [[{c: f"{kind} {i} in {c}" for c in codes} for i in range(4)] for kind in "qp"]
    folder = tmp_path_factory.mktemp("finished") / "run"
    train(
        Pairs.from_texts("four", *texts),
        tiny_encoder_factory(),
        output=folder,
        batch_size=4,
        steps=2,
    )
    return folder


def again(folder: Path, encoder: Any) -> Any:
    codes = ("aa", "bb")
    texts = [[{c: f"{kind} {i} in {c}" for c in codes} for i in range(4)] for kind in "qp"]
    return train(Pairs.from_texts("four", *texts), encoder, output=folder, batch_size=4, steps=2)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "gone"])
@pytest.mark.parametrize(
    "name",
    [
        "model/model.safetensors",
        "model/tokenizer.json",
        "model/config_sentence_transformers.json",
        "model/1_Pooling/config.json",
        "training_log.parquet",
        "training.json",
    ],
)
def test_a_finished_training_that_is_damaged_is_refused(
    finished: Path, tiny_encoder_factory: Any, tmp_path: Path, name: str, damage: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    if (name, damage) == ("training_log.parquet", "gone"):
        pytest.skip("a folder without a log is not finished: the training is made again")
    DAMAGES[damage](folder / name)
    with pytest.raises(ValueError, match=r"(remove|give another output folder)") as caught:
        again(folder, tiny_encoder_factory())
    said = str(caught.value)
    assert name.split("/")[-1] in said or "was begun with" in said  # a bit of a number in JSON
    assert "\n" not in said


def test_a_model_card_may_be_edited_and_an_older_model_has_no_checksums(
    finished: Path, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / "model" / "README.md").write_text("mine")
    again(folder, tiny_encoder_factory())
    (folder / "checkpoints" / "runs").mkdir(parents=True)  # of a kill at the very end
    (folder / "model" / "checksums.json").unlink()
    again(folder, tiny_encoder_factory())
    assert not (folder / "checkpoints").exists()
    assert (folder / "runs").exists()


def test_the_log_has_checksums(finished: Path) -> None:
    from hbtlib.files import read_table

    file = finished / "training_log.parquet"
    before = file.read_bytes()
    loss = pd.read_parquet(file)["loss"].to_numpy()[0]
    found = before.find(loss.tobytes())
    assert found > 0
    try:
        file.write_bytes(before[:found] + bytes([before[found] ^ 1]) + before[found + 1 :])
        with pytest.raises(DamagedFile, match=r"training_log.parquet is damaged"):
            read_table(file)
    finally:
        file.write_bytes(before)


def test_a_training_without_its_request_belongs_to_somebody(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """Before, its checkpoints were resumed from whatever they had been trained for."""
    stopped(8, lambda: train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK))
    (tmp_path / "training.json").unlink()
    with pytest.raises(DamagedFile, match=r"holds a training, but training.json is gone"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **{**QUICK, "seed": 9})


def test_a_manifest_of_nothing_is_none(tmp_path: Path) -> None:
    (tmp_path / "list").write_text('{"files": {}}')
    with pytest.raises(DamagedFile, match="names no files"):
        check_manifest(tmp_path, "list")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, where one can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_every_library_s_full_disk_is_one_sentence(small_disk: Path) -> None:
    much = torch.zeros(10**6)
    writers: dict[str, Callable[[Path], Any]] = {
        "safetensors": lambda file: save_file({"a": much}, file),
        "torch": lambda file: torch.save({"a": much}, file),
        "parquet": lambda file: pd.DataFrame({"a": torch.rand(10**6).numpy()}).to_parquet(file),
        "text": lambda file: file.write_text("x" * 3_000_000),
    }
    for name, write in writers.items():
        file = small_disk / name
        said = f"the disk is full: {file} was not written"
        with pytest.raises(OSError, match=said) as caught, explain_full_disk(file):
            write(file)
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        file.unlink(missing_ok=True)


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    for error in (RuntimeError("shape mismatch"), PermissionError("not yours"), ValueError("x")):
        with pytest.raises(type(error), match=str(error)), explain_full_disk(tmp_path):
            raise error


@pytest.mark.parametrize("room", [20_000, 150_000, 300_000])
def test_a_training_on_a_full_disk_says_so_and_resumes_when_there_is_room(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, small_disk: Path, room: int
) -> None:
    """It stops at another file for each size of the room that is left."""
    output = small_disk / "run"
    options = {**QUICK, "steps": 6, "evaluate_every": 3}
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (2 * 1024 * 1024 - room))
    with pytest.raises(OSError, match=f"the disk is full: {output}.* was not written. Make room"):
        train(tiny_pairs, tiny_encoder_factory(), output=output, **options)
    filler.unlink()
    train(tiny_pairs, tiny_encoder_factory(), output=output, **options)
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "whole", **options)
    assert weights(output) == weights(tmp_path / "whole")
