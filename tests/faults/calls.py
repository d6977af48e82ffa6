"""A valid call of every public function, from which the fuzz makes bad ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from values import (
    Domain,
    any_code,
    choice,
    count_or_column,
    flag,
    integer,
    nothing,
    number,
    optional,
    sequence,
    text,
    without_rows,
)

CODES = ("aa", "bb", "cc")
SETTINGS = ("monolingual", "cross-lingual", "multilingual")
TRAINING = {
    "strategy": "hybrid",
    "alpha": 0.5,
    "mix": "batch",
    "languages": None,
    "sources": "size",
    "batch_size": 4,
    "steps": 1,
    "seed": 0,
    "learning_rate": 1e-3,
    "embedding_learning_rate": None,
    "weight_decay": 0.01,
    "warmup": 0.1,
    "temperature": 0.05,
    "objective": "info-nce",
    "objective_options": None,
    "validation": None,
    "validation_strategy": "x-x-mono",
    "evaluate_every": None,
    "patience": None,
    "log_every": 10,
    "precision": "fp32",
    "chunk_tokens": None,
    "lora": None,
    "label": None,
    "arguments": None,
}


PRETRAINING = (
    "languages",
    "sources",
    "batch_size",
    "steps",
    "seed",
    "learning_rate",
    "embedding_learning_rate",
    "weight_decay",
    "warmup",
    "log_every",
    "precision",
    "label",
    "arguments",
)
"""What `hbt.pretrain` takes as `hbt.train` does."""


@dataclass
class Call:
    """A public function and arguments that it takes.

    Attributes:
        name: How it is written.
        function: The function.
        arguments: Its arguments by name. Each of them is replaced by bad values in turn.
        domains: What some arguments may be, where it is not as in `values.CALLS`.
        reads: The columns that the function reads of its table. What stands in others is passed on
            as it is, so that it is not for this function to judge. None: all columns.
        optional: Columns that its table may lack, or in which values may be missing.
    """

    name: str
    function: Callable[..., Any]
    arguments: dict[str, Any]
    domains: dict[str, Domain] = field(default_factory=dict)
    reads: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()


class Objects:
    """Small objects that the calls work on; each is made when it is first needed.

    Args:
        folder: Where what must be on disk is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def texts(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """Queries and passages of twelve ids in three languages."""
        queries = [{code: f"question {i} in {code}" for code in CODES} for i in range(12)]
        passages = [{code: f"passage {i} in {code}" for code in CODES} for i in range(12)]
        return queries, passages

    @cached_property
    def pairs(self) -> Any:
        """Pairs of these texts."""
        import hbtlib as hbt

        return hbt.Pairs.from_texts("tiny", *self.texts)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """A benchmark's tables: six questions in three languages."""
        rows = list(product(range(6), CODES))
        queries = pd.DataFrame(
            [(f"q{i}-{c}", f"q{i}", c, f"what is {i} in {c}?") for i, c in rows],
            columns=["query_id", "question_id", "language", "text"],
        )
        passages = pd.DataFrame(
            [(f"p{i}-{c}", c, f"it is {i} in {c}.") for i, c in rows],
            columns=["passage_id", "language", "text"],
        )
        judged = [(f"q{i}-{c}", f"p{i}-{d}", 1) for i, c in rows for d in CODES]
        judgements = pd.DataFrame(judged, columns=["query_id", "passage_id", "grade"])
        return {"queries": queries, "passages": passages, "judgements": judgements}

    @cached_property
    def benchmark(self) -> Any:
        """The benchmark of these tables."""
        import hbtlib as hbt

        return hbt.Benchmark("tiny", **self.tables)

    @cached_property
    def with_english(self) -> Any:
        """The same benchmark, its first language called English."""
        import hbtlib as hbt

        renamed = {name: table.replace({"aa": "en"}) for name, table in self.tables.items()}
        return hbt.Benchmark("tiny", **renamed)

    @cached_property
    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of its queries and passages."""
        rng = np.random.default_rng(0)
        return (
            rng.normal(size=(18, 8)).astype(np.float32),
            rng.normal(size=(18, 8)).astype(np.float32),
        )

    @cached_property
    def encoder(self) -> Any:
        """An encoder of width 32 with random weights."""
        from hbtlib.encoders.small import small_encoder, train_tokenizer

        words = [text for side in self.texts for one in side for text in one.values()]
        return small_encoder(train_tokenizer(words, 200), seed=0, width=32, heads=2).to("cpu")

    @cached_property
    def encoder_folder(self) -> Path:
        """The folder of this encoder."""
        self.encoder.save(self.folder / "encoder")
        return self.folder / "encoder"

    def ranks(self, seed: int = 0) -> pd.DataFrame:
        """The ranks table of random vectors."""
        import hbtlib as hbt

        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(2, 18, 8)).astype(np.float32)
        return hbt.rank_vectors(vectors[0], vectors[1], self.benchmark)

    @cached_property
    def top(self) -> pd.DataFrame:
        """The best passages of every query."""
        import hbtlib as hbt

        return hbt.top(*self.vectors, self.benchmark, k=3)

    @cached_property
    def measured(self) -> pd.DataFrame:
        """What the ranks measure."""
        import hbtlib as hbt

        return hbt.measure(self.ranks())

    @cached_property
    def questions(self) -> pd.DataFrame:
        """Each question's scores, of two arms."""
        import hbtlib as hbt

        tables = [
            hbt.metrics.by_question(self.ranks(seed)).assign(arm=arm, seed=0)
            for seed, arm in enumerate(("x-y", "hybrid"))
        ]
        return pd.concat(tables, ignore_index=True)


def data_calls(objects: Objects) -> list[Call]:
    """Calls of what loads, holds and checks data."""
    import hbtlib as hbt

    both = {"pairs": objects.pairs, "benchmark": objects.benchmark}
    queries, passages = objects.texts
    return [
        Call(
            "Benchmark",
            hbt.Benchmark,
            {"name": "tiny", **objects.tables, "settings": SETTINGS},
            {"judgements": without_rows},  # those of a hidden test set
            optional=("question_id", "grade"),
        ),
        Call("Benchmark.restrict", objects.benchmark.restrict, {"languages": ["aa", "bb"]}),
        Call(
            "load_benchmark",
            hbt.load_benchmark,
            {"name": "worldfacts", "data": None, "languages": ["de", "en"], "split": "validation"},
        ),
        Call(
            "load_pairs",
            hbt.load_pairs,
            {"name": "worldfacts", "data": None, "languages": ["de", "en"], "split": "validation"},
        ),
        Call("check_disjoint", hbt.check_disjoint, both),
        Call(
            "near_duplicates",
            hbt.near_duplicates,
            {
                "data": objects.pairs,
                "other": objects.benchmark,
                "threshold": 0.8,
                "role": None,
                "shingle": 5,
            },
            {
                "data": nothing,
                "other": optional(nothing),
                "threshold": number(above=0, most=1),
                "role": optional(choice("query", "passage")),
                "shingle": integer(1),
            },
        ),
        Call("leave_out", hbt.leave_out, both),
        Call(
            "Pairs.from_texts",
            hbt.Pairs.from_texts,
            {"name": "tiny", "queries": queries, "passages": passages},
        ),
        Call(
            "Pairs.texts",
            objects.pairs.texts,
            {"ids": [0, 1], "languages": ["aa", "bb"], "role": "query"},
        ),
        Call(
            "thin_out",
            hbt.thin_out,
            {"pairs": objects.pairs, "shares": {"aa": 0.5}, "seed": 0},
            {"shares": lambda value: isinstance(value, dict) and not value},
        ),
        Call("Pairs.select", objects.pairs.select, {"ids": [0, 1]}),
        Call("Pairs.sample", objects.pairs.sample, {"n": 5, "seed": 0}),
    ]


def encoder_calls(objects: Objects) -> list[Call]:
    """Calls of encoders, and of what works with one."""
    import hbtlib as hbt

    work = {"encoder": objects.encoder, "benchmark": objects.benchmark}
    return [
        Call(
            "Encoder.load",
            hbt.Encoder.load,
            {
                "name_or_folder": objects.encoder_folder,
                "pooling": "mean",
                "normalize": True,
                "query_prefix": "",
                "passage_prefix": "",
                "max_length": 8,
                "device": "cpu",
            },
        ),
        Call(
            "Encoder.embed",
            objects.encoder.embed,
            {"texts": ["question 1"], "role": "query", "precision": "fp32", "progress": False},
        ),
        Call("Encoder.save", objects.encoder.save, {"folder": objects.folder / "saved"}),
        Call(
            "embed",
            hbt.embed,
            {
                **work,
                "precision": "fp32",
                "store": objects.folder / "store",
                "dtype": "float32",
                "progress": False,
            },
        ),
        Call(
            "rank",
            hbt.rank,
            {**work, "precision": "fp32", "store": "", "dtype": "float32", "progress": False},
        ),
        Call(
            "mine_negatives",
            hbt.mine_negatives,
            {
                "pairs": objects.pairs,
                "encoder": objects.encoder,
                "n": 1,
                "ranks": (2, 6),
                "margin": 0.0,
                "precision": "fp32",
                "seed": 0,
            },
            {"ranks": lambda value: list(value) == [1, 2]},
        ),
        Call(
            "neutralise",
            hbt.neutralise,
            {
                "encoder": objects.encoder,
                "texts": {code: [one[code] for one in objects.texts[1]] for code in CODES},
                "method": "means",
                "role": "both",
                "directions": 1,
                "ridge": 0.5,
                "centre": 0.75,
                "progress": False,
            },
            {
                "texts": nothing,
                "method": choice("means", "leace", "translations"),
                "role": choice("query", "passage", "both"),
                "directions": optional(integer(1, 2)),
                "ridge": number(above=0),
                "centre": number(0, 1),
            },
        ),
        Call(
            "average_weights",
            hbt.average_weights,
            {"first": objects.encoder, "trained": objects.encoder_folder, "share": 0.6},
            {"share": number(0, 1)},
        ),
    ]


def search_calls(objects: Objects) -> list[Call]:
    """Calls of what ranks vectors."""
    import hbtlib as hbt

    queries, passages = objects.vectors
    vectors = {"query_vectors": queries, "passage_vectors": passages}

    def score_block(block_queries: pd.DataFrame, block_passages: pd.DataFrame) -> np.ndarray:
        return queries[block_queries.index] @ passages[block_passages.index].T

    scored = {
        "score_block": score_block,
        "benchmark": objects.benchmark,
        "ties": "hash",
        "block": (256, 8192),
        "memory": 1.0,
    }
    ways = {"ties": choice("hash", "mid", "id"), "block": lambda value: list(value) == [1, 2]}
    return [
        Call(
            "rank_vectors",
            hbt.rank_vectors,
            {
                **vectors,
                "benchmark": objects.benchmark,
                "remove": None,
                "memory": 1.0,
                "index": None,
                "index_options": "",
                "depth": 100,
            },
        ),
        Call(
            "top",
            hbt.top,
            {**vectors, "benchmark": objects.benchmark, "k": 3, "remove": None, "memory": 1.0},
        ),
        Call("rank_scores", hbt.rank_scores, scored, ways),
        Call("top_scores", hbt.top_scores, {**scored, "k": 3}, {**ways, "k": integer(1)}),
        Call(
            "rank_english_plus_one",
            hbt.rank_english_plus_one,
            {**vectors, "benchmark": objects.with_english, "memory": 1.0},
        ),
    ]


def training_calls(objects: Objects) -> list[Call]:
    """Calls of what trains."""
    import hbtlib as hbt

    counter = iter(range(10_000))

    def train(**arguments: Any) -> Any:
        output = objects.folder / f"trained-{next(counter)}"
        return hbt.train(output=output, **arguments)

    def pretrain(**arguments: Any) -> Any:
        output = objects.folder / f"trained-{next(counter)}"
        return hbt.pretrain(output=output, **arguments)

    start = {"pairs": objects.pairs, "encoder": objects.encoder}
    shared = {name: TRAINING[name] for name in PRETRAINING}
    masking = {"objective": "masked-lm", "masked": 0.5, "whole_words": False}
    return [
        Call(
            "train",
            train,
            {**start, **TRAINING, "watch": None, "watch_every": None},
            {"watch": optional(callable)},
        ),
        Call(
            "pretrain",
            pretrain,
            {**start, **shared, **masking, "checkpoint_every": None, "watch": None},
            {
                "objective": choice("masked-lm", "translation-lm"),
                "masked": number(above=0, most=1),
                "whole_words": flag,
                "checkpoint_every": optional(integer(1)),
                "watch": optional(callable),
            },
        ),
    ]


def evaluation_calls(objects: Objects) -> list[Call]:
    """Calls of what reads tables: measures, bias, significance, probes, TREC's files."""
    import hbtlib as hbt
    from hbtlib.data.suites import find_suite

    ranks, queries, passages = objects.ranks(), *objects.vectors
    draws = {"permutations": 100, "samples": 100, "seed": 0}
    tests = {"metric": "mAP", "setting": "multilingual", "unit": None, **draws}
    pair = {"ranks_a": ranks, "ranks_b": objects.ranks(1)}
    wanted = {"gain": {"hybrid": 1, "x-y": -1}}
    of_suite = dict.fromkeys(find_suite("m2c2").benchmarks, ranks)
    rows = [
        (f"l{i}", arm, 0.1 * i + 0.2 * arm + 0.01 * (i * n % 3))
        for i, arm, n in product(range(6), (0, 1), (0, 1))
    ]
    levels = pd.DataFrame(rows, columns=["language", "hybrid", "mAP"])
    languages = objects.benchmark.passages["language"].to_numpy()
    runs = objects.folder / "trec"
    hbt.trec.write(ranks, runs, depth=18)
    points = {"query_vectors": queries, "passage_vectors": passages}
    with_english = hbt.rank_english_plus_one(queries, passages, objects.with_english)
    of_language = {code: passages[languages == code] for code in CODES}
    return [
        Call("measure", hbt.measure, {"ranks": ranks, "metrics": ["mAP", "R@1"]}),
        Call("metrics.per_query", hbt.metrics.per_query, {"ranks": ranks, "metrics": ["mAP"]}),
        Call(
            "metrics.by_question",
            hbt.metrics.by_question,
            {"ranks": ranks, "metrics": ["mAP"], "trained": ["aa"]},
        ),
        Call(
            "metrics.by_training",
            hbt.metrics.by_training,
            {"measured": objects.measured, "trained": ["aa"]},
            reads=("query_language", "pool"),
        ),
        Call("summarise", hbt.summarise, {"measured": objects.measured, "by": ["query_language"]}),
        Call("bias", hbt.bias, {"ranks": ranks, "top": objects.top, "k": [1, 3]}),
        Call("favoured", hbt.favoured, {"ranks": ranks}),
        Call(
            "english_plus_one",
            hbt.english_plus_one,
            {"ranks": with_english, "measures": ["max-rank", "complete@10", "lpr"]},
            {"measures": sequence(choice("max-rank", "complete@10", "lpr"), 1)},
        ),
        Call(
            "probes.language_shift",
            hbt.probes.language_shift,
            {"vectors": of_language, "source": "aa"},
            {"vectors": nothing},
        ),
        Call("top_shares", hbt.top_shares, {"top": objects.top}),
        Call("units", hbt.units, {"ranks": ranks}),
        Call(
            "mixed_model",
            hbt.mixed_model,
            {"table": levels, "value": "mAP", "effects": ["hybrid"], "group": "language"},
            {
                "table": lambda value: len(value) == 2 * len(levels),  # a row may stand there twice
                "value": nothing,
                "effects": lambda value: list(value) == [],
                "group": nothing,
            },
        ),
        Call(
            "measure_suite",
            hbt.measure_suite,
            {"ranks": of_suite, "suite": "m2c2", "metrics": ["mAP"], "trained": None},
            {"trained": optional(sequence(any_code))},
        ),
        Call("compare", hbt.compare, {**pair, **tests}),
        Call(
            "compare_pairs",
            hbt.compare_pairs,
            {**pair, "metric": "mAP", "unit": None, "permutations": 100, "seed": 0},
        ),
        Call(
            "contrasts", hbt.contrasts, {"questions": objects.questions, "wanted": wanted, **tests}
        ),
        Call(
            "probes.language_probe",
            hbt.probes.language_probe,
            {"vectors": passages, "languages": languages, "questions": None, "folds": 2},
        ),
        Call(
            "probes.points",
            hbt.probes.points,
            {**points, "benchmark": objects.benchmark, "questions": 4},
        ),
        Call(
            "trec.write",
            hbt.trec.write,
            {"ranks": ranks, "folder": objects.folder / "written", "depth": 18},
        ),
        Call("trec.read", hbt.trec.read, {"folder": runs, "benchmark": objects.benchmark}),
    ]


def plot_calls(objects: Objects) -> list[Call]:
    """Calls of the pictures."""
    import hbtlib as hbt

    plots, measured, ranks = hbt.plots, objects.measured, objects.ranks()
    log = pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0], "validation_loss": [2.0, 1.5]})
    rows = list(product(("hybrid", "x-y"), (0, 1), CODES, ("rank-distance",)))
    biases = pd.DataFrame(rows, columns=["arm", "seed", "query_language", "measure"])
    biases["value"] = np.arange(len(biases)) + 50.0
    effects = pd.DataFrame(
        {
            "what": ["a − b", "a − c"],
            "setting": ["monolingual", "multilingual"],
            "difference": [0.1, -0.2],
            "low": [0.05, -0.3],
            "high": [0.15, -0.1],
            "p_holm": [0.01, 0.05],
        }
    )
    plan = hbt.BatchPlan(objects.pairs, batch_size=4)
    points = hbt.probes.points(*objects.vectors, objects.benchmark, questions=4)
    points = points.assign(arm="hybrid", benchmark="tiny")
    texts = objects.tables["queries"][["language", "text"]].assign(role="query")
    more: dict[str, Any] = {"trained": ["aa"]}
    return [
        Call("plots.heatmap", plots.heatmap, {"measured": measured, "metric": "mAP", **more}),
        Call(
            "plots.heatmaps",
            plots.heatmaps,
            {"measured": {"one": measured, "two": measured}, "metric": "mAP", **more},
        ),
        Call(
            "plots.differences",
            plots.differences,
            {"measured": measured, "baselines": {"one": measured}, "metric": "mAP", **more},
        ),
        Call("plots.rank_ecdf", plots.rank_ecdf, {"ranks": ranks, **more}),
        Call(
            "plots.batch_picture",
            plots.batch_picture,
            {"plan": plan, "batches": 2, "pairs": 3, "title": "a"},
        ),
        Call(
            "plots.loss_curves",
            plots.loss_curves,
            {"log": log, "title": "a"},
            optional=("validation_loss",),
        ),
        Call(
            "plots.bias_by_language",
            plots.bias_by_language,
            {"biases": biases, "measure": "rank-distance", "chance": 50.0, **more},
            reads=("query_language", "measure", "value"),  # an arm may be called by a number
        ),
        Call(
            "plots.effects",
            plots.effects,
            {"table": effects, "metric": None},
            {"metric": optional(text)},  # the table does not say which it is of
        ),
        Call(
            "plots.embedding_map", plots.embedding_map, {"points": points, "view": "texts", **more}
        ),
        Call("plots.lengths", plots.lengths, {"texts": texts, **more}),
    ]


def small_calls(objects: Objects) -> list[Call]:
    """Calls that need neither vectors nor a table of ranks, and take milliseconds."""
    import hbtlib as hbt

    plots, more = hbt.plots, {"trained": ["aa"]}
    plan = {
        "strategy": "hybrid",
        "alpha": 0.5,
        "batch_size": 4,
        "seed": 0,
        "languages": None,
        "language_weights": None,
        "mix": "batch",
        "sources": "size",
        "steps": None,
    }
    return [
        Call("metrics.parse", hbt.metrics.parse, {"metric": "R@10"}),
        Call("metrics.lower_is_better", hbt.metrics.lower_is_better, {"metric": "mAP"}),
        Call(
            "chance_rank_distance",
            hbt.chance_rank_distance,
            {"n_passages": 100, "n_relevant": 3},
            {"n_passages": count_or_column, "n_relevant": count_or_column},
        ),
        Call("paper_tables", hbt.paper_tables, {"table": 1}),
        Call("languages.is_language", hbt.languages.is_language, {"code": "de"}),
        Call("plots.ordered", plots.ordered, {"codes": list(CODES), **more}),
        Call("plots.language_colours", plots.language_colours, {"codes": list(CODES)}),
        Call("BatchPlan", hbt.BatchPlan, {"pairs": objects.pairs, **plan}),
    ]


def study_calls() -> list[Call]:
    """Calls of the study's room; the project needs the study `quick`, without results."""
    import hbtlib as hbt

    study = hbt.study
    return [
        Call("study.load", study.load, {"name": "quick"}),
        Call("study.notebook_parameters", study.notebook_parameters, {"notebook": "train"}),
    ]


def all_calls(folder: Path, quick: bool = False) -> list[Call]:
    """Returns a valid call of every public function.

    Args:
        folder: Where the calls may write.
        quick: Only those that take milliseconds.
    """
    objects = Objects(folder)
    calls = [*data_calls(objects), *small_calls(objects), *study_calls()]
    if quick:
        return calls
    return [
        *calls,
        *encoder_calls(objects),
        *search_calls(objects),
        *training_calls(objects),
        *evaluation_calls(objects),
        *plot_calls(objects),
    ]
