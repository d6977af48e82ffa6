"""The trainer: batches of the plan, the loss of the formula, and a killed run that ends as one never killed."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import stopped

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.plan import Batch, BatchPlan
from hbtlib.training.batches import PlanBatches, answers
from hbtlib.training.losses import info_nce
from hbtlib.training.trainer import ContrastiveTrainer, last_whole_checkpoint, train

QUICK: dict[str, Any] = {
    "batch_size": 4,
    "steps": 24,
    "evaluate_every": 6,
    "learning_rate": 1e-2,
    "log_every": 3,
}


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def test_learns_and_leaves_model_and_log(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=tiny_pairs,
        **{**QUICK, "steps": 120, "evaluate_every": 30},
    )
    log = pd.read_parquet(tmp_path / "training_log.parquet")
    assert list(log.columns) == [
        "step",
        "loss",
        "learning_rate",
        "grad_norm",
        "tokens",
        "padding",
        "validation_loss",
    ]
    assert log["step"].max() == 120
    assert log["loss"].iloc[-1] < 0.5 * log["loss"].iloc[0]
    assert log["tokens"].is_monotonic_increasing
    assert not (tmp_path / "checkpoints").exists()
    queries = encoder.embed(tiny_pairs.texts(range(12), "aa", "query"), "query")
    passages = encoder.embed(tiny_pairs.texts(range(12), "bb", "passage"), "passage")
    assert ((queries @ passages.T).argmax(1) == np.arange(12)).mean() > 0.8


def test_the_loss_of_a_step_is_the_formula_s(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    plan = BatchPlan(tiny_pairs, "x-y", 0.5, 4, 7)
    batch = plan[0]
    vectors = [
        torch.from_numpy(encoder.embed(tiny_pairs.texts(batch.ids, languages, role), role))
        for languages, role in (
            (batch.query_languages, "query"),
            (batch.passage_languages, "passage"),
        )
    ]
    expected = info_nce(*vectors, 0.2).item()
    train(
        tiny_pairs,
        encoder,
        output=tmp_path,
        strategy="x-y",
        batch_size=4,
        seed=7,
        steps=1,
        temperature=0.2,
    )
    assert pd.read_parquet(tmp_path / "training_log.parquet")["loss"][0] == pytest.approx(
        expected, abs=1e-5
    )


@pytest.fixture
def contrary_pairs(tiny_pairs: Pairs) -> Pairs:
    """Validation pairs that contradict the training, so that their loss rises as it goes on."""
    texts = [
        [
            {c: tiny_pairs.texts([(i + shift) % 12], c, role)[0] for c in tiny_pairs.languages}
            for i in range(12)
        ]
        for role, shift in (("query", 0), ("passage", 1))
    ]
    return Pairs.from_texts("contrary", *texts)


def test_the_best_checkpoint_is_kept(
    tiny_pairs: Pairs, contrary_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=contrary_pairs,
        validation_strategy="hybrid",
        **{**QUICK, "steps": 60},
    )
    log = pd.read_parquet(tmp_path / "training_log.parquet").dropna(subset=["validation_loss"])
    assert int(log.iloc[int(log["validation_loss"].argmin())]["step"]) < 60
    kept = Encoder.load(tmp_path / "model", device="cpu")
    plan = PlanBatches(BatchPlan(contrary_pairs, "hybrid", 0.5, 4, 0), None, kept)
    with torch.no_grad():
        losses = [
            info_nce(kept(plan[t]["query"]), kept(plan[t]["passage"])).item()
            for t in range(len(plan))
        ]
    assert np.mean(losses) == pytest.approx(log["validation_loss"].min(), abs=1e-4)


def test_patience_ends_the_training_early(
    tiny_pairs: Pairs, contrary_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=contrary_pairs,
        patience=2,
        **{**QUICK, "steps": 600},
    )
    assert pd.read_parquet(tmp_path / "training_log.parquet")["step"].max() < 600


_SCRIPT = """
import sys, torch
torch.set_num_threads(1)
sys.path.insert(0, {tests!r})
import conftest
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.small import small_encoder, train_tokenizer
from hbtlib.training.trainer import train
codes = ("aa", "bb", "cc")
pairs = Pairs.from_texts("tiny", *[[{{c: f"{{kind}} {{i}} in {{c}}" for c in codes}} for i in range(40)]
                                   for kind in ("question", "passage")])
words = [t for kind in ("query", "passage") for c in codes for t in pairs.texts(range(40), c, kind)]
encoder = small_encoder(train_tokenizer(words, 200), width=32, heads=2, dropout=0.2)
train(pairs, encoder, output={output!r}, batch_size=8, steps=60, evaluate_every=10, log_every=5, learning_rate=1e-2,
      embedding_learning_rate=2e-2, validation=pairs, seed=3)
"""


def test_killed_and_resumed_is_never_killed_bit_for_bit(tmp_path: Path) -> None:
    """With dropout, so that the random state has to come back as well."""
    tests = str(Path(__file__).parent)

    def command(output: Path) -> list[str]:
        return [sys.executable, "-c", _SCRIPT.format(tests=tests, output=str(output))]

    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True)
    for kill_at in (20, 40):
        process = subprocess.Popen(
            command(tmp_path / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wanted = tmp_path / "killed" / "checkpoints" / f"checkpoint-{kill_at}" / "whole"
        deadline = time.monotonic() + 90
        while not wanted.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
        # What a kill in the middle of a checkpoint leaves.
        torn = tmp_path / "killed" / "checkpoints" / "checkpoint-59"
        torn.mkdir()
        (torn / "trainer_state.json").write_text("{")
    subprocess.run(command(tmp_path / "killed"), check=True, capture_output=True)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    logs = [pd.read_parquet(tmp_path / run / "training_log.parquet") for run in ("killed", "whole")]
    pd.testing.assert_frame_equal(*logs)


def test_a_full_disk_leaves_the_last_whole_checkpoint(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full in the middle of the second checkpoint: the optimizer's state is cut off, and the error says why."""
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "whole", **QUICK)
    usual = ContrastiveTrainer._save_optimizer_and_scheduler

    def full(self: ContrastiveTrainer, folder: str) -> None:
        if self.state.global_step == 12:
            (Path(folder) / "optimizer.pt").write_bytes(b"PK")
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(self, folder)

    monkeypatch.setattr(ContrastiveTrainer, "_save_optimizer_and_scheduler", full)
    with pytest.raises(OSError, match="No space left on device"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "full", **QUICK)
    assert (tmp_path / "full" / "checkpoints" / "checkpoint-12" / "optimizer.pt").exists()
    monkeypatch.setattr(ContrastiveTrainer, "_save_optimizer_and_scheduler", usual)
    assert str(last_whole_checkpoint(tmp_path / "full" / "checkpoints")).endswith("checkpoint-6")
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "full", **QUICK)
    assert weights(tmp_path / "full") == weights(tmp_path / "whole")


def test_resumed_it_stops_as_early_and_logs_the_same(
    contrary_pairs: Pairs, tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """Validation only gets worse; the looks without a better one are counted across the kill, and so are tokens and losses
    between two logs."""

    def run(folder: str) -> pd.DataFrame:
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / folder,
            validation=contrary_pairs,
            patience=4,
            **{**QUICK, "steps": 48, "evaluate_every": 6, "log_every": 4},
        )
        return pd.read_parquet(tmp_path / folder / "training_log.parquet")

    whole = run("whole")
    assert whole["step"].max() == 30
    stopped(27, lambda: run("killed"))
    pd.testing.assert_frame_equal(run("killed"), whole)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_it_returns_is_what_it_saved_and_what_it_was_given_is_as_it_was(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, precision: str
) -> None:
    given = tiny_encoder_factory()
    trained = train(tiny_pairs, given, output=tmp_path, precision=precision, **QUICK)
    saved = Encoder.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(
        trained.embed(["question 1 in aa"]), saved.embed(["question 1 in aa"])
    )
    np.testing.assert_array_equal(
        given.embed(["question 1 in aa"]), tiny_encoder_factory().embed(["question 1 in aa"])
    )
    again = train(
        tiny_pairs, given, output=tmp_path, precision=precision, **QUICK
    )  # a cell run twice
    np.testing.assert_array_equal(
        again.embed(["question 1 in aa"]), saved.embed(["question 1 in aa"])
    )


def test_a_folder_belongs_to_its_pairs_and_settings(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    import functools

    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=functools.partial(float_of, x=1),
        **QUICK,
    )
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=functools.partial(float_of, x=1),
        **QUICK,
    )
    mined = Pairs("tiny", tiny_pairs.dataset.add_column("negatives_aa", [["passage 3 in aa"]] * 12))
    other = tiny_encoder_factory()
    other.settings = other.settings._replace(query_prefix="")
    for pairs, encoder, said in (
        (mined, tiny_encoder_factory(), "pairs = "),
        (tiny_pairs, other, "encoder = "),
    ):
        with pytest.raises(ValueError, match=f"was begun with {said}"):
            train(
                pairs,
                encoder,
                output=tmp_path,
                validation=functools.partial(float_of, x=1),
                **QUICK,
            )


def float_of(encoder: Encoder, x: float) -> float:
    return x


def test_seeds_and_strategies_differ_and_repeat(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    made = {}
    for name, options in {
        "a": {},
        "again": {},
        "seed": {"seed": 1},
        "x-y": {"strategy": "x-y"},
    }.items():
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / name, **{**QUICK, **options})
        made[name] = weights(tmp_path / name)
    assert made["a"] == made["again"]
    assert len(set(made.values())) == 3


def test_called_again_it_loads_and_another_request_is_refused(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    before = weights(tmp_path)
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    assert weights(tmp_path) == before
    with pytest.raises(ValueError, match="was begun with steps = 24, now it is 25"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **{**QUICK, "steps": 25})
    by_name = train(tiny_pairs, tmp_path / "model", output=tmp_path / "more", **QUICK)
    again = train(tiny_pairs, tmp_path / "model", output=tmp_path / "more", **QUICK)
    np.testing.assert_array_equal(
        again.embed(["question 1 in aa"]), by_name.embed(["question 1 in aa"])
    )


@pytest.mark.parametrize("chunk_tokens", [None, 512])
@pytest.mark.parametrize(
    "arguments",
    [
        {"activation_checkpointing": True},
        {"dataloader_num_workers": 1},
        {"torch_compile": True, "torch_compile_backend": "eager"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_options_of_transformers_change_how_and_not_what(
    tiny_pairs: Pairs,
    tiny_encoder_factory: Any,
    tmp_path: Path,
    arguments: dict[str, Any],
    chunk_tokens: int | None,
) -> None:
    made = []
    dropout = (
        0.0 if "torch_compile" in arguments and chunk_tokens else 0.2
    )  # torch.compile may let dropout fall elsewhere
    for name, given in (("plain", None), ("options", arguments)):
        encoder = train(
            tiny_pairs,
            tiny_encoder_factory(dropout=dropout),
            output=tmp_path / name,
            batch_size=4,
            steps=4,
            evaluate_every=2,
            validation=tiny_pairs,
            arguments=given,
            chunk_tokens=chunk_tokens,
        )
        made.append(
            Encoder.load(tmp_path / name / "model", device="cpu").embed(
                ["question 1 in aa", "passage 3 in bb"]
            )
        )
        assert encoder.model.is_activation_checkpointing == bool(
            given and "activation_checkpointing" in given
        )
    np.testing.assert_allclose(made[1], made[0], atol=1e-6)
    assert (
        np.abs(
            made[0] - tiny_encoder_factory().embed(["question 1 in aa", "passage 3 in bb"])
        ).max()
        > 1e-4
    )


def test_tensorboard_has_what_the_log_has(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        arguments={"report_to": "tensorboard"},
        **QUICK,
    )
    (folder,) = (tmp_path / "runs").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    log = pd.read_parquet(tmp_path / "training_log.parquet")
    seen = {event.step: event.value for event in events.Scalars("train/loss")}
    assert seen == pytest.approx(log.set_index("step")["loss"].to_dict(), abs=1e-4)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"learning_rate": 0.0}, "learning_rate 0"),
        ({"precision": "fp8"}, "precision 'fp8'"),
        ({"patience": 3}, "no validation pairs"),
        ({"strategy": "y-y"}, "no strategy 'y-y'"),
        ({"batch_size": 13}, "needs 13 ids"),
        ({"warmup": 1.5}, "warmup 1.5"),
    ],
)
def test_refuses_what_makes_no_sense_and_leaves_nothing(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "out", **{**QUICK, **wrong})
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_not_finite_stops_with_step_and_ids(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    encoder.model.embeddings.word_embeddings.weight.data.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match=r"the loss is nan at step 0, with the ids \[\d+"):
        train(tiny_pairs, encoder, output=tmp_path, **QUICK)


def test_answers_masks_by_key_and_by_text() -> None:
    pairs = Pairs.from_texts(
        "p",
        [{"aa": "q0"}, {"aa": "q1"}, {"aa": "q0"}, {"aa": "q3"}],
        [{"bb": "p0"}, {"bb": "p1"}, {"bb": "p2"}, {"bb": "p1"}],
        passage_key=[0, 1, 2, 0],
    )
    batch = Batch(np.arange(4), np.full(4, "aa"), np.full(4, "bb"), 0, "x-y", 0.5)
    found = answers(
        pairs, batch, pairs.texts(range(4), "aa", "query"), pairs.texts(range(4), "bb", "passage")
    )
    expected = np.eye(4, dtype=bool)
    for i, j in ((0, 2), (1, 3), (0, 3)):  # one question text, one passage text, one passage key
        expected[i, j] = expected[j, i] = True
    np.testing.assert_array_equal(found, expected)


def test_hard_negatives_enter_the_loss_unless_they_are_the_answer(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    texts = [{"aa": f"passage {i} in aa"} for i in range(4)]
    pairs = Pairs.from_texts(
        "p",
        [{"aa": f"question {i} in aa"} for i in range(4)],
        texts,
        negatives_aa=[["passage 9 in aa", "passage 1 in aa"]] * 4,
    )
    encoder = tiny_encoder_factory()
    inputs = PlanBatches(BatchPlan(pairs, "x-x-mono", 0.5, 4, 0), None, encoder)[0]
    same = inputs["same_negative"].numpy()
    ids = inputs["ids"].numpy()
    assert same.shape == (4, 8)
    np.testing.assert_array_equal(
        same, np.tile((ids == 1)[:, None], (1, 8)) & np.tile([False, True], 4)
    )


def test_a_negative_that_translates_an_answer_is_no_negative_of_it(
    tiny_encoder_factory: Any,
) -> None:
    """Each id brings its neighbour's passage, in its own passage's language; the neighbour is asked for it in another."""
    codes = ("aa", "bb")
    texts = [
        [{c: f"{kind} {i} in {c}" for c in codes} for i in range(6)]
        for kind in ("question", "passage")
    ]
    negatives = {
        f"negatives_{c}": [[f"passage {(i + 1) % 6} in {c}"] for i in range(6)] for c in codes
    }
    pairs = Pairs.from_texts("p", *texts, query_key=[0, 1, 2, 3, 4, 4], **negatives)
    for t in range(3):
        inputs = PlanBatches(BatchPlan(pairs, "x-y", 0.5, 6, t), None, tiny_encoder_factory())[0]
        ids = inputs["ids"].numpy()
        expected = (ids[:, None] == (ids + 1) % 6) | (
            (ids[:, None] >= 4) & np.isin((ids + 1) % 6, [4, 5])
        )
        np.testing.assert_array_equal(inputs["same_negative"].numpy(), expected)


def test_token_embeddings_have_a_rate_of_their_own(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    def moved(rate: float | None, folder: str) -> float:
        trained = train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / folder,
            batch_size=4,
            steps=1,
            warmup=0.0,
            learning_rate=1e-3,
            embedding_learning_rate=rate,
            weight_decay=0.0,
        )
        words = (
            encoder.model.get_input_embeddings().weight
            for encoder in (trained, tiny_encoder_factory())
        )
        return float((next(words) - next(words)).detach().abs().max())

    # Adam's first step is the rate itself.
    assert moved(None, "one") == pytest.approx(1e-3, rel=0.05)
    assert moved(1e-1, "own") == pytest.approx(1e-1, rel=0.05)


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    for step, whole in ((9, True), (10, True), (11, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            (tmp_path / f"checkpoint-{step}" / "whole").touch()
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert not (tmp_path / "checkpoint-11").exists()
    assert last_whole_checkpoint(tmp_path / "none") is None


def test_the_request_is_written_as_json(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    request = json.loads((tmp_path / "training.json").read_text())
    assert request["pairs"].startswith("tiny, 12 ids, ")
    assert request["steps"] == 24
