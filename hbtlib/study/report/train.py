"""Tables and sentences of 03-train: what one run is measured by, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib import files
from hbtlib.data.benchmark import SETTINGS, Benchmark
from hbtlib.data.catalog import load_benchmark, load_pairs
from hbtlib.data.overlap import count_ways, find_overlap, refuse, without
from hbtlib.data.pairs import Pairs
from hbtlib.data.sets.mmarco_codemixed import degrees_of
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.erasure import AffineMap
from hbtlib.evaluation import probes
from hbtlib.evaluation.metrics import by_question, measure, per_query
from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.strategies import STRATEGIES
from hbtlib.search.ranking import rank, rank_vectors, top
from hbtlib.study.encoders_vectors import unit_length
from hbtlib.study.folders import Workplace
from hbtlib.study.neutral.controls import fit_map
from hbtlib.study.neutral.controls import load_start as load_start  # for the notebook
from hbtlib.study.processes import is_first
from hbtlib.study.report.kept import validations
from hbtlib.study.report.words import Markdown, counted, highest, listed, lowest, number, sentences
from hbtlib.study.stages import SECOND, Curve, watching
from hbtlib.study.stages import curve_of as curve_of  # for the notebook
from hbtlib.study.stages import curve_tables as curve_tables  # for the notebook
from hbtlib.study.stages import first_stage as first_stage  # for the notebook
from hbtlib.study.together import asked_of as asked_of  # for the notebook
from hbtlib.study.together import lacking, languages_of, options_by_set

Vectors = tuple[NDArray[np.float32], NDArray[np.float32]]
"""A benchmark's query vectors and passage vectors, in the order of its tables."""

COMPACT: dict[str, Any] = {"compression": "zstd", "compression_level": 19, "index": False}
"""How a run's tables are written: as small as they get, since they are committed."""

RANKS_ENCODING = {
    "query_id": "PLAIN",
    "passage_id": "PLAIN",
    "rank": "BYTE_STREAM_SPLIT",
}
"""How Parquet writes these columns of ranks: a quarter smaller than by dictionaries of values."""

OVERLAP = "overlap.json"
"""The file of a run folder that says what the overlap check found before the training."""

OPTIONS = (
    "strategy",
    "alpha",
    "mix",
    "seed",
    "batch_size",
    "steps",
    "learning_rate",
    "embedding_learning_rate",
    "weight_decay",
    "warmup",
    "temperature",
    "objective",
    "objective_options",
    "evaluate_every",
    "patience",
    "precision",
    "chunk_tokens",
    "lora",
    "arguments",
)
"""The notebook's parameters that `hbt.train` takes under the same names."""

SPLITS = ("train", "validation")

MIXED = "mmarco-codemixed"
"""The benchmark whose queries are mixed from two languages in several degrees."""

PROBED = ("mAP", "rank-distance")  # what is measured again where language was removed
PROBE_QUESTIONS = 240  # the language classifier sees the passages of so many questions


def load_splits(
    names: str, languages: Sequence[str], options: Mapping[str, Any], seed: int = 0
) -> dict[str, Pairs]:
    """The pairs that are trained on, and those that validate.

    Args:
        names: training pairs of the catalog, one or several separated by blanks; several follow
            each other (`Pairs.concatenate`).
        languages: the languages trained on; of several sets each gives those that it has.
        options: more for the loader; for several sets: name → options. With `shares` a language's
            texts are thinned out (`hbt.thin_out`), in the training split alone.
        seed: of the draw of these shares, unless `shares_seed` is among the options.

    Returns:
        "train" and "validation" → pairs.

    Raises:
        ValueError: for options of a set that is not named, and what the loaders refuse.
    """
    chosen = options_by_set(names, options)
    alone = len(chosen) == 1
    training, held_out = [], []
    for name, given in chosen.items():
        first = list(languages) if alone else languages_of(name, languages)
        # The split for training is the loader's default: some sets have no other.
        training.append(load_pairs(name, **{"languages": first, "shares_seed": seed, **given}))
        second = [code for code in first if code not in lacking(name, SPLITS[1])]
        whole = {**given, "languages": second, "shares": None}
        held_out.append(load_pairs(name, **whole, split=SPLITS[1]))
    return {"train": Pairs.concatenate(training), "validation": Pairs.concatenate(held_out)}


def load_benchmarks(parameters: Mapping[str, Any]) -> dict[str, Benchmark]:
    """The benchmarks that a run is evaluated on.

    Args:
        parameters: those of the notebook: benchmark, evaluated, split and benchmark_options.

    Returns:
        Name → benchmark.
    """
    names = parameters["benchmark"].split()
    return {name: load_benchmark(name, **asked_of(name, parameters)) for name in names}


def chosen_by_loss(validation: str) -> bool:
    """Whether the best weights are those with the lowest loss on validation batches.

    Args:
        validation: a strategy, or a metric and a setting, such as `mAP multilingual`.

    Returns:
        True for a strategy, False for a metric and a setting.

    Raises:
        ValueError: for anything else, and for rank-distance, which is better when lower.
    """
    if validation in STRATEGIES:
        return True
    metric, _, setting = validation.partition(" ")
    if setting not in SETTINGS or metric.startswith("rank-distance"):
        raise ValueError(
            f"validation is {validation!r}; it is one of {', '.join(STRATEGIES)}, or a metric that "
            "is better when higher and a setting, such as 'mAP multilingual'"
        )
    return False


def score(encoder: Encoder, benchmark: Benchmark, validation: str, precision: str) -> float:
    """What the best weights are chosen by, where `validation` names a metric and a setting.

    Args:
        encoder: the encoder as it is at this step.
        benchmark: the validation split.
        validation: the metric and the setting, such as `mAP multilingual`.
        precision: fp32, bf16 or fp16.

    Returns:
        The mean over the setting's pairs of query language and pool.
    """
    metric, setting = validation.split()
    measured = measure(rank(encoder, benchmark, precision=precision), [metric])
    return float(measured.loc[measured["setting"] == setting, "value"].mean())


def training_options(parameters: Mapping[str, Any], curve: Curve | None) -> dict[str, Any]:
    """The options that `hbt.train` is called with.

    Args:
        parameters: those of the notebook.
        curve: what measures every setting while it trains; None: nothing does.
    """
    named = {name: parameters[name] for name in OPTIONS}
    return {**named, **watching(curve, parameters, SECOND)}


def without_overlap(
    pairs: Mapping[str, Pairs], benchmarks: Mapping[str, Benchmark], overlap: str
) -> tuple[dict[str, Pairs], pd.DataFrame]:
    """Checks that nothing is trained on that is evaluated on, as `hbtlib.data.overlap` does.

    Args:
        pairs: the pairs of each split, "train" first.
        benchmarks: the benchmarks by name.
        overlap: "refuse" or "leave out", the notebook's parameter. What chooses the weights (the
            split "validation") is looked at only where ids are left out.

    Returns:
        The pairs that remain of each split; and a table with a row for each benchmark and split:
        benchmark, split, pairs, ids (how many were looked at), a column for each of
        `overlap.WAYS` (how many ids were found in this way), left_out.

    Raises:
        ValueError: if ids of the split "train" are found and may not be left out, or none is left.
    """
    kept, rows = dict(pairs), []
    for name, benchmark in benchmarks.items():
        for split in kept if overlap == "leave out" else ["train"]:
            looked_at = kept[split]
            found = find_overlap(looked_at, benchmark)
            if overlap != "leave out":
                refuse(looked_at, benchmark, found)
            kept[split] = without(looked_at, benchmark, found)
            row: dict[str, Any] = {"benchmark": name, "split": split, "pairs": looked_at.name}
            rows.append({**row, "ids": len(looked_at), **count_ways(found), "left_out": len(found)})
    return kept, pd.DataFrame(rows)


def keep_overlap(checked: pd.DataFrame, place: Workplace) -> Markdown:
    """Writes what the check found to the run folder, as `overlap.json`, and says it.

    Args:
        checked: `without_overlap`'s table.
        place: the run folder; where the run is done already, nothing is written.

    Returns:
        A sentence a benchmark and split.
    """
    if not place.done and is_first():
        content = {"checked": checked.to_dict("records")}
        files.write_json(place.path / OVERLAP, content)
    said = []
    for row in checked.to_dict("records"):
        held = f"{row['left_out']:,} of" if row["left_out"] else "None of"
        said.append(
            f"{held} the {counted(row['ids'], 'id')} of {row['pairs']} ({row['split']}) "
            f"{'hold' if row['left_out'] > 1 else 'holds'} what {row['benchmark']} evaluates on"
            + ("; left out." if row["left_out"] else ".")
        )
    return sentences(said)


def batches_says(plan: BatchPlan, batches: int = 8) -> Markdown:
    """How many of the pairs that the picture shows have query and passage in one language.

    Args:
        plan: the batches.
        batches: how many of them are shown.

    Returns:
        The sentence.
    """
    shown = [plan[t] for t in range(batches)]
    same = [np.mean(b.query_languages == b.passage_languages) for b in shown]
    kinds = pd.Series([b.kind for b in shown]).value_counts()
    parts = listed(
        f"{count} {'is' if count == 1 else 'are'} {kind}" for kind, count in kinds.items()
    )
    return Markdown(
        f"Of the first {batches} batches {parts}. In {np.mean(same):.0%} of their pairs query and "
        "passage are in the same language."
    )


def loss_says(log: pd.DataFrame) -> Markdown:
    """Where the loss began and ended, and which weights are kept.

    Args:
        log: the training log.

    Returns:
        The sentences.
    """
    first, last = log["loss"].iloc[0], log["loss"].iloc[-1]
    went = f"The training loss went from {first:.2f} to {last:.2f}."
    scored, by_step = validations(log)
    if by_step.empty:
        return sentences([went, "Nothing was validated: the last weights are kept."])
    step, value = highest(by_step) if scored else lowest(by_step)
    what, extreme = ("score", "highest") if scored else ("loss", "lowest")
    return sentences(
        [
            went,
            f"The validation {what} was {extreme} at step {step} ({value:.3f}): these weights are "
            "kept.",
        ]
    )


def ranks_of(
    vectors: Mapping[str, Vectors], benchmarks: Mapping[str, Benchmark]
) -> dict[str, pd.DataFrame]:
    """The rank of every relevant passage.

    Args:
        vectors: each benchmark's query and passage vectors.
        benchmarks: the benchmarks by name.

    Returns:
        `hbt.rank_vectors`' table of each benchmark.
    """
    return {name: rank_vectors(*vectors[name], test) for name, test in benchmarks.items()}


def measured(ranks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All metrics on all benchmarks.

    Args:
        ranks: each benchmark's ranks.

    Returns:
        `hbt.measure`'s columns and benchmark.
    """
    parts = [measure(table).assign(benchmark=name) for name, table in ranks.items()]
    return pd.concat(parts, ignore_index=True)


def settings_says(table: pd.DataFrame, metric: str = "mAP") -> Markdown:
    """What the run scores in each setting.

    Args:
        table: `measured`'s table.
        metric: the metric.

    Returns:
        A sentence a benchmark.
    """
    said = []
    for name, part in table[table["metric"] == metric].groupby("benchmark", sort=False):
        means = part.groupby("setting")["value"].mean()
        parts = [f"{number(means[s])} in the {s} setting" for s in SETTINGS if s in means]
        said.append(f"On {name} the mean {metric} is {listed(parts)}.")
    return sentences(said)


def run_says(name: str, table: pd.DataFrame, seconds: Mapping[str, float]) -> Markdown:
    """What the run can do and what it took: the notebook's answer.

    Args:
        name: the run's name.
        table: `measured`'s table.
        seconds: how long its parts took.

    Returns:
        The sentences.
    """
    took = listed(f"{value:,.0f} seconds for {part}" for part, value in seconds.items())
    return sentences(
        [
            settings_says(table),
            f"The run {name} took {took}.",
            "The notebook `results` asks whether another strategy does better.",
        ]
    )


def kept_tables(
    ranks: Mapping[str, pd.DataFrame],
    vectors: Mapping[str, Vectors],
    benchmarks: Mapping[str, Benchmark],
    trained: Sequence[str],
    depth: int,
    question_metrics: str = "mAP rank-distance",
) -> dict[str, pd.DataFrame]:
    """The tables that a run folder keeps, whatever is asked of it later.

    Args:
        ranks: each benchmark's ranks.
        vectors: each benchmark's query and passage vectors.
        benchmarks: the benchmarks by name.
        trained: the languages trained on.
        depth: how many passages are kept of each query in the pool of all languages; 0: none.
        question_metrics: the scores kept of each question, separated by blanks.

    Returns:
        By name: ranks (sorted so that they take the least room), metrics, questions (each one's
        scores), points (where some texts lie), for a depth above 0 top, and degrees (the scores by
        degree of mixing) of the benchmark that has them.
    """
    order = ["benchmark", "question_id", "passage_id", "query_id", "pool"]
    all_ranks = pd.concat(ranks.values(), ignore_index=True)
    asked = question_metrics.split()
    questions = pd.concat(
        [by_question(t, asked, trained=trained).assign(benchmark=name) for name, t in ranks.items()]
    )
    points = [probes.points(*vectors[name], test) for name, test in benchmarks.items()]
    tables = {
        "ranks": all_ranks.round({"score": 2}).sort_values(order),
        "metrics": measured(ranks),
        "questions": _rounded(questions),
        "points": pd.concat(points),
    }
    if depth:
        best = [top(*vectors[name], test, k=depth) for name, test in benchmarks.items()]
        tables["top"] = pd.concat(best)
    if MIXED in ranks:
        tables["degrees"] = by_degree(ranks[MIXED], asked).assign(benchmark=MIXED)
    return tables


def encoding(name: str, table: pd.DataFrame) -> dict[str, Any]:
    """How a table of a run folder is written, as options of `DataFrame.to_parquet`.

    Args:
        name: the table's name.
        table: the table.

    Returns:
        `COMPACT`, and for ranks the encodings of `RANKS_ENCODING`.
    """
    if name != "ranks":
        return COMPACT
    by_dictionary = [column for column in table if column not in RANKS_ENCODING]
    return {**COMPACT, "use_dictionary": by_dictionary, "column_encoding": RANKS_ENCODING}


def by_degree(ranks: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Scores by how far the queries are mixed from two languages.

    Args:
        ranks: the ranks on mmarco-codemixed.
        metrics: names as in `hbt.measure`.

    Returns:
        setting, degree, metric, value (the mean over queries), n_queries; the rank distance, which
        a query with one relevant passage does not have, is left out.
    """
    kept = [metric for metric in metrics if not metric.startswith("rank-distance")]
    scores = per_query(ranks, kept)
    grouped = scores.assign(degree=degrees_of(scores["query_id"])).groupby(["setting", "degree"])
    means = grouped[kept].mean().assign(n_queries=grouped.size()).reset_index()
    tidy = means.melt(["setting", "degree", "n_queries"], kept, "metric", "value")
    return tidy[["setting", "degree", "metric", "value", "n_queries"]]


def met_tables(plan: BatchPlan | None, steps: int) -> dict[str, pd.DataFrame]:
    """Which languages met in the batches of a training, and how often.

    Args:
        plan: the batches; None where nothing was trained.
        steps: how many of them were trained on.

    Returns:
        met: kind (of the batch), query_language, passage_language, pairs (how many in all batches),
        ids (how many different ones). What an objective adds to the pairs of a batch, such as
        translations, is not among them. Nothing, where nothing was trained.
    """
    if plan is None:
        return {}
    batches = [plan[t] for t in range(steps)]
    table = pd.DataFrame(
        {
            "kind": np.repeat([b.kind for b in batches], [len(b) for b in batches]),
            "query_language": np.concatenate([b.query_languages for b in batches]),
            "passage_language": np.concatenate([b.passage_languages for b in batches]),
            "id": np.concatenate([b.ids for b in batches]),
        }
    )
    grouped = table.groupby(["kind", "query_language", "passage_language"])["id"]
    return {"met": grouped.agg(pairs="size", ids="nunique").reset_index()}


def probe_tables(
    model: Encoder,
    vectors: Mapping[str, Vectors],
    benchmarks: Mapping[str, Benchmark],
    removals: str,
    trained: Sequence[str],
    precision: str,
) -> dict[str, pd.DataFrame]:
    """How much of the vectors is language, and what removing it does.

    Args:
        model: the encoder, on whose own vectors language-neutral maps are fitted.
        vectors: each benchmark's query and passage vectors.
        benchmarks: the benchmarks by name.
        removals: what is removed, separated by blanks: `mean`, a number of components, or a map, as
            `hbtlib.study.values.MapName` names it.
        trained: the languages trained on.
        precision: fp32, bf16 or fp16, as the vectors were embedded.

    Returns:
        language_probe: how well a classifier tells a passage's language; probes: mAP and rank
        distance with each of the removals; mapped_questions, if there is a map: each question's
        scores with it.
    """
    told, probed, questions = [], [], []
    for name, test in benchmarks.items():
        few = probes.answers(test, PROBE_QUESTIONS).drop_duplicates("passage_id")
        passages = vectors[name][1][few["row"]]
        found = probes.language_probe(passages, few["language"], few["question_id"])
        told.append(found.assign(benchmark=name))
    for removed in removals.split():
        is_map = ":" in removed
        fitted = fit_map(model, removed, benchmarks, precision) if is_map else None
        for name, test in benchmarks.items():
            ranks = _ranks_without(vectors[name], test, removed, fitted)
            label = {"benchmark": name, "removed": removed}
            probed.append(measure(ranks, PROBED).assign(**label))
            if is_map:
                questions.append(by_question(ranks, trained=trained).assign(**label))
    tables = {"language_probe": pd.concat(told), "probes": pd.concat(probed)}
    if questions:
        tables["mapped_questions"] = _rounded(pd.concat(questions))
    return tables


def _ranks_without(
    vectors: Vectors, test: Benchmark, removed: str, fitted: AffineMap | None
) -> pd.DataFrame:
    """The ranks once something was removed from the vectors: by a map, or else by its name."""
    if fitted is not None:
        queries, passages = (unit_length(fitted(part)) for part in vectors)
        return rank_vectors(queries, passages, test)
    remove: Literal["mean"] | int = "mean" if removed == "mean" else int(removed)
    return rank_vectors(*vectors, test, remove=remove)


def _rounded(questions: pd.DataFrame) -> pd.DataFrame:
    """Each question's scores, as a run keeps them: three decimals, whole rank distances."""
    scores = questions.select_dtypes("number").columns
    digits = {name: 0 if name.startswith("rank-distance") else 3 for name in scores}
    return questions.round(digits).astype(dict.fromkeys(scores, "float32"))


def training_log(folder: Path) -> pd.DataFrame:
    """Reads the log of a training.

    Args:
        folder: the training's output folder.

    Returns:
        The losses and what else was logged, a row a time.
    """
    return files.read_table(folder / "training_log.parquet")


def write(tables: Mapping[str, pd.DataFrame], folder: Path) -> Markdown:
    """Writes tables as Parquet files.

    Args:
        tables: the tables by name.
        folder: where they go.

    Returns:
        A sentence that says what was written.
    """
    for name, table in tables.items():
        files.write_table(table, folder / f"{name}.parquet", **encoding(name, table))
    rows = listed(f"{name} ({len(table):,} rows)" for name, table in tables.items())
    return Markdown(f"Of this run {counted(len(tables), 'table is', 'tables are')} kept: {rows}.")
