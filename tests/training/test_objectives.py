"""Objectives: their further texts, their losses put together by hand, trainings that resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import stopped

import hbtlib as hbt
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training import losses
from hbtlib.training.batches import PlanBatches, tokens_of
from hbtlib.training.contrastive_trainer import ContrastiveTrainer
from hbtlib.training.objectives import OBJECTIVES, InfoNCE
from hbtlib.training.objectives.translations import draw_translations
from hbtlib.training.trainer import train

CODES = ("aa", "bb", "cc")
OPTIONS: dict[str, dict[str, Any]] = {
    "adversarial": {"weight": 1.0, "hidden": 8},
    "one-to-k": {"k": 2},
    "semantic-language": {"semantic": 0.5, "language": 2.0},
    "lancer": {"weight": 2.0, "texts": 2},
    "clear": {},
    "code-switch": {},
}


@pytest.fixture
def partial_pairs() -> Pairs:
    """Pairs that lack languages.

    Id i has its query in aa and, from 4 on, in bb; its passage in aa, bb and, from 6 on, in cc.
    """
    queries = [
        {c: f"question {i} in {c}" for c in (CODES[:2] if i >= 4 else CODES[:1])} for i in range(12)
    ]
    passages = [
        {c: f"passage {i} in {c}" for c in (CODES if i >= 6 else CODES[:2])} for i in range(12)
    ]
    return Pairs.from_texts("partial", queries, passages)


def embedded(
    encoder: Encoder, inputs: dict[str, Any], cached: bool = False
) -> dict[str, torch.Tensor]:
    return {role: encoder(tokens, cached=cached) for role, tokens in tokens_of(inputs).items()}


def batch_of(
    pairs: Pairs,
    encoder: Encoder,
    name: str,
    strategy: str = "x-x",
    t: int = 0,
    **options: Any,
) -> tuple[hbt.BatchPlan, dict[str, Any], InfoNCE]:
    plan = hbt.BatchPlan(pairs, strategy, batch_size=8, seed=3)
    made = OBJECTIVES[name](0.1, plan.languages, encoder.dimension, options or OPTIONS[name])
    made.prepare([pairs])
    return plan, PlanBatches(plan, None, encoder, made)[t], made


def embed(encoder: Encoder, pairs: Pairs, ids: Any, codes: Any, role: str) -> torch.Tensor:
    return torch.from_numpy(encoder.embed(pairs.texts(ids, codes, role), role))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_further_languages_are_others_that_the_text_exists_in(partial_pairs: Pairs, n: int) -> None:
    languages = np.array(CODES)
    plan = hbt.BatchPlan(partial_pairs, "x-x", batch_size=12)
    for t in range(6):
        batch = plan[t]
        found = draw_translations(partial_pairs, batch, "passage", languages, (0, t), n)
        assert found.role == "passage"
        rows, places = found.tensors["row"], found.tensors["place"]
        for i, (id_, taken) in enumerate(zip(batch.ids, batch.passage_languages, strict=True)):
            mine = [text for text, row in zip(found.texts, rows, strict=True) if row == i]
            exists = CODES if id_ >= 6 else CODES[:2]
            others = {f"passage {id_} in {c}" for c in exists if c != taken}
            assert set(mine) <= others
            assert len(mine) == len(set(mine)) == min(n, len(others))
            assert places[rows == i].tolist() == list(range(len(mine)))
        again = draw_translations(partial_pairs, batch, "passage", languages, (0, t), n)
        assert found.texts == again.texts
    drawn = {
        tuple(draw_translations(partial_pairs, plan[0], "passage", languages, (0, t)).texts)
        for t in range(20)
    }
    assert len(drawn) > 5  # the language is drawn anew each time


def test_further_languages_are_those_trained_on_and_may_be_none(partial_pairs: Pairs) -> None:
    languages = np.array(["aa", "bb"])
    batch = hbt.BatchPlan(partial_pairs, "x-x", batch_size=12, languages=("aa", "bb"))[0]
    found = draw_translations(partial_pairs, batch, "passage", languages, (0,), 5)
    assert all(text.endswith(("aa", "bb")) for text in found.texts)
    alone = hbt.BatchPlan(partial_pairs.select(range(4)), "x-x", batch_size=4)[0]
    none = draw_translations(partial_pairs, alone, "query", languages, (0,))
    assert not none.texts
    assert not none.tensors


def test_one_to_k_is_the_loss_of_all_its_passages(
    partial_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    plan, inputs, made = batch_of(partial_pairs, encoder, "one-to-k", k=3)
    batch = plan[0]
    passages, present = torch.zeros(8, 3, encoder.dimension), torch.zeros(8, 3, dtype=torch.bool)
    for i, (id_, taken) in enumerate(zip(batch.ids, batch.passage_languages, strict=True)):
        there = [
            taken,
            *(c for c in (CODES if id_ >= 6 else CODES[:2]) if c != taken),
        ]  # their order says nothing
        passages[i, : len(there)] = embed(
            encoder, partial_pairs, [id_] * len(there), there, "passage"
        )
        present[i, : len(there)] = True
    assert not present.all()
    queries = embed(encoder, partial_pairs, batch.ids, batch.query_languages, "query")
    expected = losses.one_to_k(queries, passages, 0.1, present=present)
    assert made(embedded(encoder, inputs), inputs, 0.5).item() == pytest.approx(
        expected.item(), abs=1e-5
    )
    assert inputs["counts"]["extra"] == int(present.sum()) - 8


def test_one_to_one_is_info_nce_both_ways(partial_pairs: Pairs, tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    _, inputs, made = batch_of(partial_pairs, encoder, "one-to-k", k=1)
    found = embedded(encoder, inputs)
    both = [
        losses.info_nce(a, b, 0.1)
        for a, b in ((found["query"], found["passage"]), (found["passage"], found["query"]))
    ]
    assert made(found, inputs, 0).item() == pytest.approx((both[0] + both[1]).item() / 2, abs=1e-6)


def test_semantic_language_adds_two_losses_of_the_queries_in_two_languages(
    partial_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    plan, inputs, made = batch_of(partial_pairs, encoder, "semantic-language")
    batch, found = plan[0], embedded(encoder, inputs)
    rows = np.flatnonzero(batch.ids >= 4)  # the others' query stands in aa alone
    assert 0 < len(rows) < 8
    first = embed(encoder, partial_pairs, batch.ids[rows], batch.query_languages[rows], "query")
    turned = np.where(batch.query_languages[rows] == "aa", "bb", "aa")
    second = embed(encoder, partial_pairs, batch.ids[rows], turned, "query")
    expected = (
        losses.info_nce(found["query"], found["passage"], 0.1)
        + 0.5 * losses.semantic_contrastive(first, second, 0.1)
        + 2.0 * losses.language_contrastive(first, second, found["passage"], 0.1)
    )
    assert made(found, inputs, 0).item() == pytest.approx(expected.item(), abs=1e-5)


def test_clear_looks_for_the_query_in_another_language(
    partial_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    plan, inputs, made = batch_of(partial_pairs, encoder, "clear")
    batch, found = plan[0], embedded(encoder, inputs)
    rows = np.flatnonzero(batch.ids >= 4)
    turned = np.where(batch.query_languages[rows] == "aa", "bb", "aa")
    other = embed(encoder, partial_pairs, batch.ids[rows], turned, "query")
    expected = losses.clear(found["query"][rows], found["passage"][rows], other, 0.1)
    assert made(found, inputs, 0).item() == pytest.approx(expected.item(), abs=1e-5)


def test_clear_bridges_from_english_to_the_other_languages(
    tiny_encoder_factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The strategy en-en draws English alone; CLEAR has the queries in other languages too."""
    codes = ("de", "en")
    pairs = Pairs.from_texts(
        "two",
        *([{c: f"{kind} {i} in {c}" for c in codes} for i in range(12)] for kind in ("q", "p")),
    )
    seen = []
    usual = ContrastiveTrainer.training_step

    def watched(
        self: ContrastiveTrainer, model: Any, inputs: dict[str, Any], *rest: Any
    ) -> torch.Tensor:
        seen.append(inputs["counts"])
        return usual(self, model, inputs, *rest)

    monkeypatch.setattr(ContrastiveTrainer, "training_step", watched)
    train(
        pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        strategy="en-en",
        objective="clear",
        batch_size=6,
        steps=1,
    )
    assert seen == [{"query": 6, "passage": 6, "negative": 0, "extra": 6}]


def test_the_discriminator_learns_languages_and_the_encoder_learns_to_hide_them(
    tiny_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    plan, inputs, made = batch_of(tiny_pairs, encoder, "adversarial")
    batch, found = plan[0], embedded(encoder, inputs)
    codes = np.concatenate([batch.query_languages, batch.passage_languages])
    assert [plan.languages[i] for i in inputs["languages"]] == codes.tolist()
    plain = losses.info_nce(found["query"], found["passage"], 0.1)
    told = torch.nn.functional.cross_entropy(
        made.discriminator(torch.cat([found["query"], found["passage"]])), inputs["languages"]
    )
    loss = made(found, inputs, 0.2)
    assert loss.item() == pytest.approx((plain + told).item(), abs=1e-6)
    gradients = [
        torch.autograd.grad(part, found["query"], retain_graph=True)[0]
        for part in (loss, plain, told)
    ]
    torch.testing.assert_close(
        gradients[0], gradients[1] - losses.reversal_strength(0.2) * gradients[2]
    )
    start = torch.autograd.grad(made(found, inputs, 0.0), found["query"], retain_graph=True)[0]
    torch.testing.assert_close(start, gradients[1])  # λ is 0 as training begins
    mine = torch.autograd.grad(loss, list(made.parameters()), retain_graph=True)
    for ours, theirs in zip(mine, torch.autograd.grad(told, list(made.parameters())), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("strategy", ["x-x", "x-x-mono", "x-y"])
def test_lancer_penalises_further_passages_in_languages_drawn_for_each(
    partial_pairs: Pairs, tiny_encoder_factory: Any, strategy: str
) -> None:
    encoder = tiny_encoder_factory()
    plan, inputs, made = batch_of(partial_pairs, encoder, "lancer", strategy)
    batch, found = plan[0], embedded(encoder, inputs)
    further = made.extra(partial_pairs, batch, (3, 0))
    numbers = further.tensors["languages"]
    assert further.role == "passage"
    n = 2 * len(batch.ids)  # every passage exists in two languages at least
    assert len(further.texts) == len(numbers) == n
    assert torch.equal(inputs["languages"], numbers)
    assert len(set(further.texts)) == n
    for text, number in zip(further.texts, numbers, strict=True):
        assert text.endswith(f"in {CODES[number]}")
        assert int(text.split()[1]) in batch.ids
    penalty = losses.language_correlation(
        torch.from_numpy(encoder.embed(further.texts, "passage")), numbers, 3
    )
    assert penalty.item() > 0.05
    expected = losses.info_nce(found["query"], found["passage"], 0.1, same=inputs["same"])
    assert made(found, inputs, 0.5).item() == pytest.approx(
        (expected + 2.0 * penalty).item(), abs=1e-5
    )


def test_lancer_draws_every_language_of_a_passage_the_batch_s_own_among_them(
    tiny_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    plan, _, made = batch_of(tiny_pairs, tiny_encoder_factory(), "lancer", "x-x-mono", texts=1)
    drawn = [made.extra(tiny_pairs, plan[0], (0, t)).tensors["languages"] for t in range(40)]
    counts = torch.bincount(torch.cat(drawn), minlength=3)
    assert counts.sum() == 320
    assert counts.min() > 80  # 107 on average, with a standard deviation of 8


def test_lancer_without_further_texts_penalises_the_pairs(
    tiny_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    plan, inputs, made = batch_of(tiny_pairs, encoder, "lancer", "x-y", texts=0, weight=3.0)
    batch, found = plan[0], embedded(encoder, inputs)
    codes = np.concatenate([batch.query_languages, batch.passage_languages])
    assert [plan.languages[i] for i in inputs["languages"]] == codes.tolist()
    assert inputs["counts"]["extra"] == 0
    both = torch.cat([found["query"], found["passage"]])
    plain = losses.info_nce(found["query"], found["passage"], 0.1, same=inputs["same"])
    penalty = losses.language_correlation(both, inputs["languages"], 3)
    assert made(found, inputs, 0).item() == pytest.approx((plain + 3 * penalty).item(), abs=1e-6)
    _, inputs, made = batch_of(tiny_pairs, encoder, "lancer", "x-x-mono", texts=0)
    found = embedded(encoder, inputs)
    plain = losses.info_nce(found["query"], found["passage"], 0.1, same=inputs["same"])
    assert made(found, inputs, 0).item() == pytest.approx(plain.item())


def test_lancer_is_info_nce_where_no_passage_exists_in_its_languages(
    tiny_encoder_factory: Any,
) -> None:
    """English batches, in a training whose languages are others."""
    queries = [{"en": f"question {i}", "aa": f"question {i} in aa"} for i in range(8)]
    passages = [{"en": f"passage {i}"} for i in range(8)]
    pairs = Pairs.from_texts("english", queries, passages)
    encoder = tiny_encoder_factory()
    plan = hbt.BatchPlan(pairs, "en-en", batch_size=8)
    made = OBJECTIVES["lancer"](0.1, ("aa", "bb"), encoder.dimension)
    inputs = PlanBatches(plan, None, encoder, made)[0]
    found = embedded(encoder, inputs)
    plain = losses.info_nce(found["query"], found["passage"], 0.1, same=inputs["same"])
    assert made(found, inputs, 0).item() == plain.item()


@pytest.mark.parametrize("texts", [0, 1])
def test_lancer_refuses_one_language(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, texts: int
) -> None:
    with pytest.raises(ValueError, match="the texts it would see are in bb alone: train on two"):
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / "out",
            strategy="x-x",
            languages=["bb"],
            batch_size=4,
            objective="lancer",
            objective_options={"texts": texts},
        )
    assert not (tmp_path / "out").exists()


def test_code_switched_queries_answer_as_the_originals_do(tiny_encoder_factory: Any) -> None:
    words = {"aa": ["alpha", "beta", "gamma", "delta"], "bb": ["uno", "due", "tre", "quattro"]}
    queries = [{c: f"{w[i % 4]} {w[(i + 1) % 4]} {i}" for c, w in words.items()} for i in range(16)]
    pairs = Pairs.from_texts(
        "words", queries, [{c: f"passage {i} in {c}" for c in words} for i in range(16)]
    )
    encoder = tiny_encoder_factory()
    plan, inputs, made = batch_of(pairs, encoder, "code-switch", share=1.0)
    assert made.dictionaries["aa", "bb"]["gamma"] == "tre"
    batch = plan[0]
    shown = made.rewrite_queries(
        pairs.texts(batch.ids, batch.query_languages, "query"), batch, (3, 0)
    )
    turned = pairs.texts(batch.ids, np.where(batch.query_languages == "aa", "bb", "aa"), "query")
    assert shown == turned
    at = encoder.embed(turned, "query")
    np.testing.assert_allclose(embedded(encoder, inputs)["query"].detach().numpy(), at, atol=1e-5)
    assert (inputs["same"] == torch.eye(8, dtype=torch.bool)).all()
    half = OBJECTIVES["code-switch"](0.1, ("aa", "bb"), 4)
    half.prepare([pairs])
    drawn = [
        tuple(half.rewrite_queries(pairs.texts(range(8), "aa", "query"), batch, (0, t)))
        for t in range(4)
    ]
    assert len(set(drawn)) == 4


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_in_chunks_are_those_of_one_graph(
    partial_pairs: Pairs, tiny_encoder_factory: Any, name: str
) -> None:
    encoder = tiny_encoder_factory()
    _, inputs, made = batch_of(partial_pairs, encoder, name)
    found = []
    for cached in (False, True):
        made(embedded(encoder, inputs, cached), inputs, 0.5).backward()
        modules = [*encoder.named_parameters(), *made.named_parameters()]
        found.append({n: p.grad.clone() for n, p in modules if p.grad is not None})
        encoder.zero_grad()
        made.zero_grad()
    assert found[0].keys() == found[1].keys()
    for key, gradient in found[0].items():
        torch.testing.assert_close(found[1][key], gradient, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_training_with_it_learns_other_weights_and_resumes(
    partial_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, name: str
) -> None:
    def run(folder: str, **more: Any) -> tuple[bytes, pd.DataFrame]:
        train(
            partial_pairs,
            tiny_encoder_factory(),
            output=tmp_path / folder,
            validation=partial_pairs,
            **{
                "strategy": "x-x",
                "batch_size": 6,
                "steps": 6,
                "evaluate_every": 2,
                "log_every": 1,
                "learning_rate": 1e-2,
                "objective": name,
                "objective_options": OPTIONS[name],
                **more,
            },
        )
        log = pd.read_parquet(tmp_path / folder / "training_log.parquet")
        return (tmp_path / folder / "model" / "model.safetensors").read_bytes(), log

    whole, log = run("whole")
    plain, _ = run("plain", objective="info-nce", objective_options=None)
    if name != "code-switch":  # its dictionary is empty here: numbers and names that are alike
        assert whole != plain
    stopped(4, lambda: run("killed"))
    resumed, resumed_log = run("killed")
    assert resumed == whole
    pd.testing.assert_frame_equal(resumed_log, log)
    with pytest.raises(ValueError, match="was begun with objective = "):
        run("killed", objective="info-nce")


def test_all_are_validated_by_info_nce_in_all_languages(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    pairs = Pairs.from_texts(
        "two",
        *([{c: f"{kind} {i} in {c}" for c in ("de", "en")} for i in range(12)] for kind in "qp"),
    )
    found = {}
    for name in OBJECTIVES:
        train(
            pairs,
            tiny_encoder_factory(),
            output=tmp_path / name,
            validation=pairs,
            strategy="en-en" if name == "clear" else "x-x",
            batch_size=6,
            steps=1,
            learning_rate=1e-9,
            objective=name,
            objective_options=OPTIONS.get(name),
        )
        assert (
            '| languages | ["de", "en"] |' in (tmp_path / name / "model" / "README.md").read_text()
        )
        found[name] = pd.read_parquet(tmp_path / name / "training_log.parquet").iloc[-1]
    losses_seen = pd.DataFrame(found).T
    assert np.ptp(losses_seen["validation_loss"]) < 1e-6
    assert losses_seen["loss"].nunique() >= 4


def test_the_best_weights_by_a_score_are_kept(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """The score is highest at the second validation, and is given an encoder to embed with."""
    seen: list[np.ndarray] = []

    def score(encoder: Encoder) -> float:
        seen.append(encoder.embed(["question 1 in aa"], "query"))
        return -abs(len(seen) - 2.0)

    def run(folder: str) -> Encoder:
        return train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / folder,
            batch_size=4,
            steps=12,
            evaluate_every=2,
            validation=score,
            patience=3,
            learning_rate=1e-2,
        )

    kept = run("run")
    assert len(seen) == 5  # three validations without a better one
    np.testing.assert_array_equal(kept.embed(["question 1 in aa"], "query"), seen[1])
    log = pd.read_parquet(tmp_path / "run" / "training_log.parquet")
    assert log["validation_score"].dropna().tolist() == [-1, 0, -1, -2, -3]
    assert not log["loss"].isna().all()
    assert "validation_loss" not in log
    run("run")
    assert len(seen) == 5  # done is done


def test_a_score_that_is_no_number_stops_the_training(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    with pytest.raises(FloatingPointError, match="score is nan at step 2"):
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path,
            batch_size=4,
            steps=4,
            evaluate_every=2,
            validation=lambda encoder: float("nan"),
        )


def test_dictionaries_are_of_the_pairs_that_have_both_languages(tiny_encoder_factory: Any) -> None:
    words = {"aa": ["alpha", "beta", "gamma", "delta"], "bb": ["uno", "due", "tre", "quattro"]}
    apart = Pairs.from_texts(
        "apart", [{"aa": "alpha 1"}, {"bb": "uno 1"}, {"cc": "x 1"}], [{"aa": "p"}] * 3
    )
    both = Pairs.from_texts(
        "both",
        [{c: f"{w[i % 4]} {w[(i + 1) % 4]}" for c, w in words.items()} for i in range(8)],
        [{"aa": f"p {i}"} for i in range(8)],
    )
    made = OBJECTIVES["code-switch"](0.1, ("aa", "bb", "cc"), 4)
    made.prepare([apart, both])
    assert set(made.dictionaries) == {("aa", "bb"), ("bb", "aa")}
    assert made.dictionaries["bb", "aa"]["tre"] == "gamma"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("triplet", {}, "objective is 'triplet'; there are info-nce, adversarial, one-to-k"),
        ("one-to-k", {"m": 3}, "objective_options has no option 'm'; there are k"),
        ("one-to-k", {"k": 2.5}, "k is 2.5; it is the number of languages"),
        ("clear", {"alpha": 0.9, "beta": 0.2}, "alpha is 0.9, beta 0.2: weights"),
        ("code-switch", {"share": 1.5}, "share is 1.5"),
        ("adversarial", {"weight": -1.0}, "weight is -1.0"),
        ("lancer", {"texts": 0.5}, "texts is 0.5; it is the number of further passages"),
        ("lancer", {"weight": -2}, "weight is -2; it must be 0 or more"),
        ("one-to-k", {"distillation": -1}, "distillation is -1; it must be 0 or more"),
        ("info-nce", {"k": 3}, "objective_options has no option 'k'; there are distillation"),
    ],
)
def test_refuses_what_makes_no_sense_before_anything_is_written(
    tiny_pairs: Pairs,
    tiny_encoder_factory: Any,
    tmp_path: Path,
    name: str,
    options: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(ValueError, match=said):
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / "out",
            batch_size=4,
            objective=name,
            objective_options=options,
        )
    assert not (tmp_path / "out").exists()


def test_every_objective_is_tested() -> None:
    assert {"info-nce", *OPTIONS} == set(OBJECTIVES)
