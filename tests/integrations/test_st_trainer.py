"""A plan in sentence-transformers' trainer: the batches, losses and weights of `hbt.train`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from fresh_processes import finish, start
from sentence_trainings import encoder, losses, pairs, plan, trainer
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from hbtlib.encoders.encoder import Encoder
from hbtlib.integrations.sentence_transformers import (
    PlanLoss,
    PlanSampler,
    plan_arguments,
    plan_dataset,
    plan_sampler,
)
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.trainer import train

STEPS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One training by sentence-transformers' trainer, and its losses."""
    folder = tmp_path_factory.mktemp("sentence-transformers")
    trained = trainer(folder, STEPS)
    seen: list[list[dict[str, Any]]] = []

    class Seeing(type(trained.data_collator)):  # type: ignore[misc]
        def __call__(self, rows: list[dict[str, Any]]) -> Any:
            seen.append(rows)
            return super().__call__(rows)

    trained.data_collator.__class__ = Seeing
    trained.train()
    trained.save_model(str(folder / "final"))
    texts = [[(row["query"], row["passage"]) for row in rows] for rows in seen]
    pd.to_pickle((losses(trained), texts), folder / "seen.pickle")
    return folder


def test_same_losses_batches_and_weights_as_ours(folder: Path, tmp_path: Path) -> None:
    theirs, batches = pd.read_pickle(folder / "seen.pickle")
    ours = train(
        pairs(),
        encoder(),
        output=tmp_path,
        batch_size=4,
        steps=STEPS,
        seed=5,
        learning_rate=1e-2,
        warmup=0.0,
        log_every=1,
    )
    log = pd.read_parquet(tmp_path / "training_log.parquet")
    np.testing.assert_allclose(theirs, log["loss"], atol=1e-4)
    assert np.ptp(theirs) > 0.1
    followed, source = plan(), pairs()
    for t, texts in enumerate(batches):
        batch = followed[t]
        queries = source.texts(batch.ids, batch.query_languages, "query")
        passages = source.texts(batch.ids, batch.passage_languages, "passage")
        assert texts == list(zip(queries, passages, strict=True))
    assert len(batches) == STEPS

    again = Encoder.load(folder / "final", device="cpu")
    assert again.settings == ours.settings
    weights = again.state_dict()
    for name, tensor in ours.state_dict().items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-4, rtol=0)


def test_without_the_mask_the_loss_is_another(folder: Path) -> None:
    model = SentenceTransformer(str(folder / "start"), device="cpu")
    rows = plan_dataset(plan(), 3)[:4]
    columns = [column for column in rows if column != "label"]
    vectors = [model.encode(rows[column], convert_to_tensor=True) for column in columns]
    usual = MultipleNegativesRankingLoss(model, scale=20.0)
    ours = PlanLoss(model)
    label = torch.stack(rows["label"])
    masked = ours.compute_loss_from_embeddings(vectors, label)
    unmasked = usual.compute_loss_from_embeddings(vectors, label)
    assert label.shape[1] == 4 * (len(columns) - 1)
    assert masked < unmasked - 0.01
    without = ours.compute_loss_from_embeddings(vectors, None)
    torch.testing.assert_close(without, unmasked)


def test_resumes_from_a_checkpoint(folder: Path, tmp_path: Path) -> None:
    begun = trainer(tmp_path, STEPS, stop=4)
    begun.train()
    assert len(losses(begun)) == 4
    resumed = trainer(tmp_path, STEPS)
    resumed.train(resume_from_checkpoint=True)
    expected, _ = pd.read_pickle(folder / "seen.pickle")
    np.testing.assert_allclose(losses(resumed), expected, atol=1e-5)


def one_of_two(rank: int, folder: Path) -> None:
    """Trains on whole batches, and is refused where they would not be."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    home = folder / str(rank)
    trained = trainer(home, STEPS)
    trained.train()
    pd.to_pickle(losses(trained), home / "losses.pickle")

    with pytest.raises(ValueError, match="2 processes has 8 passages, but its labels are of 4"):
        trainer(home, STEPS, accelerator_config={"split_batches": False}).train()
    short = plan(batch_size=10)
    with pytest.raises(ValueError, match="1 of 2 batches have fewer than 10 pairs"):
        trainer(home, rows=plan_dataset(short, 2)).train()
    assert len(PlanSampler(plan_dataset(short, 2, drop_short=True), 10, False)) == 1
    with pytest.raises(ValueError, match="cannot share batches of 3 pairs evenly: give BatchPlan"):
        trainer(home, rows=plan_dataset(plan(batch_size=3), 2)).train()
    torch.distributed.destroy_process_group()


def test_shares_of_a_batch_have_its_loss(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes played by one: each has half of the rows and gathers all vectors."""
    loss = PlanLoss(SentenceTransformer(str(folder / "start"), device="cpu"))
    label = torch.stack(plan_dataset(plan(), 3)[:4]["label"])
    columns = label.shape[1] // 4
    whole = [torch.nn.functional.normalize(torch.randn(4, 8), dim=1) for _ in range(1 + columns)]
    expected = loss.compute_loss_from_embeddings(whole, label)

    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    found = []
    for rank, share in enumerate((slice(0, 2), slice(2, 4))):
        gathered = iter(whole[1:])
        monkeypatch.setattr("torch.distributed.get_rank", lambda rank=rank: rank)
        monkeypatch.setattr(
            "hbtlib.integrations.sentence_transformers.loss.all_gather_with_grad",
            lambda own, gathered=gathered: next(gathered),
        )
        own = [column[share] for column in whole]
        found.append(loss.compute_loss_from_embeddings(own, label[share]))
    torch.testing.assert_close(torch.stack(found).mean(), expected)
    with pytest.raises(ValueError, match="2 processes has 8 passages, but its labels are of 4"):
        loss.compute_loss_from_embeddings(whole, label)
    with pytest.raises(ValueError, match="cannot share batches of 3 pairs evenly: give BatchPlan"):
        plan_sampler(plan_dataset(plan(batch_size=3), 2), 3, False)
    with pytest.raises(ValueError, match="1 of 2 batches have fewer than 10 pairs"):
        plan_sampler(plan_dataset(plan(batch_size=10), 2), 10, False)


@pytest.mark.slow
def test_two_processes_share_each_batch(folder: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    for rank in range(2):
        encoder().save(tmp_path / str(rank) / "start")
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    finish(*[start(one_of_two, rank, tmp_path, **world) for rank in range(2)])
    expected, _ = pd.read_pickle(folder / "seen.pickle")
    np.testing.assert_allclose(
        pd.read_pickle(tmp_path / "0" / "losses.pickle"), expected, atol=1e-4
    )


def test_short_batches_are_counted_when_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    short = plan(batch_size=5)
    lengths = [len(short[t]) for t in range(6)]
    rows = plan_dataset(short, 6, drop_short=True)
    assert len(rows) == 5 * lengths.count(5)
    assert capsys.readouterr().out == "left out 2 of 6 batches, which have fewer than 5 pairs\n"
    assert len(plan_dataset(short, 6)) == sum(lengths)
    whole = plan(batch_size=12, strategy="x-y")
    assert len(plan_dataset(whole, 1, drop_short=True)) == 12
    whole.batch_size = 13
    with pytest.raises(ValueError, match="none of the 1 batches has 13 pairs"):
        plan_dataset(whole, 1, drop_short=True)


def test_sampler_refuses_other_rows() -> None:
    rows = plan_dataset(plan(), 3)
    for damaged in (rows.shuffle(seed=0), rows.select(range(2, 12)), rows.select([])):
        with pytest.raises(ValueError, match="leave the data set as plan_dataset gave it"):
            plan_sampler(damaged, 4, False)
    plain = Dataset.from_dict({"a": ["b"]})
    assert type(plan_sampler(plain, 4, False)) is DefaultBatchSampler
    with pytest.raises(ValueError, match="no rows of a plan; make them by plan_dataset"):
        PlanSampler(plain, 4, False)


def test_the_same_batches_are_not_seen_twice(tmp_path: Path) -> None:
    sampler = PlanSampler(plan_dataset(plan(), 3), 4, False)
    assert [row for batch in sampler for row in batch] == list(range(12))
    with pytest.raises(RuntimeError, match="set num_train_epochs=1 and max_steps=-1"):
        next(iter(sampler))


def test_bad_requests(folder: Path) -> None:
    model = SentenceTransformer(str(folder / "start"), device="cpu")
    with pytest.raises(ValueError, match=r"plan is 'hybrid'; give an hbt\.BatchPlan"):
        plan_dataset("hybrid")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="model is 'minilm'; give the SentenceTransformer"):
        plan_arguments(plan(), "minilm")
    with pytest.raises(ValueError, match="steps is 0"):
        plan_dataset(plan(), 0)
    with pytest.raises(ValueError, match="temperature is 0"):
        PlanLoss(model, 0)


def test_prompts_reach_every_column(folder: Path) -> None:
    model = SentenceTransformer(str(folder / "start"), device="cpu")
    assert plan_arguments(plan(), model)["prompts"] == {
        "query": "Query: ",
        "passage": "Passage: ",
        "negative_1": "Passage: ",
        "negative_2": "Passage: ",
    }
    model.prompts = {}
    assert plan_arguments(plan(), model)["prompts"] == {}


def test_a_plan_of_other_sources_has_no_texts() -> None:
    class Masks:
        name, languages = "masks", ("aa",)
        query_mask = passage_mask = np.ones(4, np.uint16)

        def __len__(self) -> int:
            return 4

    with pytest.raises(ValueError, match="which has no texts; give Pairs"):
        plan_dataset(BatchPlan(Masks(), "x-x-mono", batch_size=2))
