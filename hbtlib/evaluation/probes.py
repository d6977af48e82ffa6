"""How much of an encoder's space is language: removed without training, drawn, and read out. Vectors' rows follow a
benchmark's queries and passages. What is removed is estimated from its texts, without judgements.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hbtlib.data.benchmark import Benchmark

Floats = NDArray[np.floating]


def points(
    query_vectors: Floats, passage_vectors: Floats, benchmark: Benchmark, *, questions: int = 40
) -> pd.DataFrame:
    """Where some questions and their passages lie, in two dimensions, for a map of the space by language. One row a text:
    benchmark, role (query or passage), language, question_id, x, y (the first two principal
    components of all passages), centroid_x, centroid_y (those of the languages' means over their
    passages: the directions in which languages lie apart), language_share (in every row: the share
    of the passages' variance that lies between languages, 0 to 1). The texts are those of
    `questions` questions, the ones in most languages first.
    """
    passages = np.asarray(passage_vectors, np.float64)
    middle = passages.mean(0)
    codes, languages = pd.factorize(benchmark.passages["language"], sort=True)
    centroids = np.stack([passages[codes == i].mean(0) for i in range(len(languages))])
    share = (np.bincount(codes) * ((centroids - middle) ** 2).sum(1)).sum() / max(
        ((passages - middle) ** 2).sum(), 1e-12
    )
    axes = np.concatenate(
        [_components(passages - middle), _components(centroids - centroids.mean(0))]
    )  # (4, d)

    chosen = answers(benchmark, questions)
    asked = benchmark.queries.assign(row=np.arange(len(benchmark.queries))).query(
        "question_id in @chosen['question_id']"
    )
    parts, names = [], ["x", "y", "centroid_x", "centroid_y"]
    for role, table, vectors in (
        ("query", asked, query_vectors),
        ("passage", chosen, passage_vectors),
    ):
        at = ((np.asarray(vectors, np.float64)[table["row"]] - middle) @ axes.T).astype(np.float32)
        parts.append(
            table.assign(
                benchmark=benchmark.name,
                role=role,
                language_share=share,
                **dict(zip(names, at.T, strict=True)),
            )
        )
    return pd.concat(parts, ignore_index=True)[
        ["benchmark", "role", "language", "question_id", *names, "language_share"]
    ]


def answers(benchmark: Benchmark, questions: int) -> pd.DataFrame:
    """The relevant passages of so many questions, the ones in most languages first: row (in the benchmark), passage_id,
    language, text, question_id.
    """
    gold = benchmark.judgements.query("grade > 0").merge(
        benchmark.queries[["query_id", "question_id"]], on="query_id"
    )
    gold = gold.drop_duplicates(["question_id", "passage_id"])
    common = (
        gold["question_id"]
        .value_counts(sort=False)
        .sort_index()
        .sort_values(ascending=False, kind="stable")
    )
    chosen = gold.loc[
        gold["question_id"].isin(common.index[:questions]), ["question_id", "passage_id"]
    ]
    return benchmark.passages.assign(row=np.arange(len(benchmark.passages))).merge(
        chosen, on="passage_id"
    )


def language_probe(
    vectors: Floats, languages: ArrayLike, questions: ArrayLike | None = None, *, folds: int = 5
) -> pd.DataFrame:
    """How well a linear classifier tells a text's language from its vector, on texts that it has not seen.

    One row a language: language, n_texts, accuracy (the share of its texts that are told right),
    chance (1/L). The mean of `accuracy` is the balanced accuracy: 1/L where nothing is left of
    language, 1 where all is. vectors: (n, d); languages: (n,). questions: (n,), whose text each is:
    all translations of a question stand in one fold, so that no vector is known by its twin;
    without it each text stands by itself. Where languages differ in what they speak of, that is
    told too. The classifier is scikit-learn's logistic regression, each language of one weight, on
    vectors centred and divided by their root mean square, one number (a rotation changes nothing).
    Raises ValueError for lengths that differ, fewer than two languages, or a language with fewer
    questions than folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    x, codes = np.asarray(vectors, np.float64), np.asarray(languages, dtype=object)
    groups = (
        np.arange(len(x))
        if questions is None
        else pd.factorize(np.asarray(questions, dtype=object), sort=True)[0]
    )
    if not len(x) == len(codes) == len(groups):
        raise ValueError(
            f"{len(x)} vectors, {len(codes)} languages and {len(groups)} questions: give one of each a text"
        )
    counts = pd.Series(groups).groupby(codes).nunique()
    if len(counts) < 2 or folds < 2 or counts.min() < folds:
        raise ValueError(
            f"{folds} folds of {counts.to_dict()} questions: a probe needs two languages and two folds at "
            "least, and as many questions of each language as folds"
        )
    x = x - x.mean(0)
    classifier = LogisticRegression(class_weight="balanced", max_iter=1000)
    told = cross_val_predict(
        classifier,
        x / max(np.sqrt((x**2).mean()), 1e-12),
        codes.astype(str),
        groups=groups,
        cv=GroupKFold(folds, shuffle=True, random_state=0),
    )
    right = pd.Series(told == codes).groupby(codes).agg(n_texts="size", accuracy="mean")
    return right.rename_axis("language").reset_index().assign(chance=1 / len(counts))


def _components(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first two principal components, (2, d), each with the sign that makes its largest entry positive."""
    found = np.linalg.eigh(centred.T @ centred)[1].T[:-3:-1]
    largest = found[np.arange(2), np.abs(found).argmax(1)]
    return found * np.sign(largest)[:, None]
