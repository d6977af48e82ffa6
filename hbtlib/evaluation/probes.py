"""How much of an encoder's space is language: drawn as a map, and read out by a classifier.

The rows of vectors follow a benchmark's queries and passages. `rank_vectors(…, remove=…)` is the
third probe: what ranking gains if language is removed. `language_shift` is the fourth: the same,
with what marks a language estimated on other parallel text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hbtlib.checks import check_integer, short
from hbtlib.data.benchmark import Benchmark
from hbtlib.evaluation.checks import check_vectors

Floats = NDArray[np.floating]

ENGLISH = "en"
_COORDINATES = ["x", "y", "centroid_x", "centroid_y"]
_SMALLEST = 1e-12  # what is divided by, if all vectors are the same


def points(
    query_vectors: Floats, passage_vectors: Floats, benchmark: Benchmark, *, questions: int = 40
) -> pd.DataFrame:
    """Places some questions and their passages in two dimensions, for a map of the space.

    Args:
        query_vectors: (Q, d), rows in the order of the benchmark's queries.
        passage_vectors: (N, d), rows in the order of its passages.
        benchmark: the texts.
        questions: how many questions to show, the ones in most languages first.

    Returns:
        One row per text: benchmark, role (query or passage), language, question_id, and

        - x, y: the first two principal components of all passages.
        - centroid_x, centroid_y: those of the languages' means over their passages, which are the
          directions in which languages lie apart.
        - language_share: in every row the share of the passages' variance that lies between
          languages, 0 to 1.

    Raises:
        ValueError: for vectors that are not finite real numbers, one for each of the benchmark's
            queries and passages, of a width of 2 or more, and a number of questions below 1.
    """
    if not isinstance(benchmark, Benchmark):
        raise ValueError(f"the benchmark is {short(benchmark)}; give an hbt.Benchmark")
    check_integer("questions", questions, minimum=1)
    asking = check_vectors("query_vectors", query_vectors, len(benchmark.queries))
    passages = check_vectors("passage_vectors", passage_vectors, len(benchmark.passages))
    if asking.shape[1] != passages.shape[1] or passages.shape[1] < 2:
        raise ValueError(
            f"query_vectors have width {asking.shape[1]} and passage_vectors {passages.shape[1]}; "
            "both must come from one encoder, and a map needs 2 or more"
        )
    center = passages.mean(0)
    codes, languages = pd.factorize(benchmark.passages["language"], sort=True)
    centroids = np.stack([passages[codes == code].mean(0) for code in range(len(languages))])
    of_passages = _principal_axes(passages - center)
    of_languages = _principal_axes(centroids - centroids.mean(0))
    axes = np.concatenate([of_passages, of_languages])  # (4, d)

    gold = answers(benchmark, questions)
    queries = benchmark.queries.assign(row=np.arange(len(benchmark.queries)))
    asked = queries[queries["question_id"].isin(gold["question_id"])]
    parts = []
    for role, table, vectors in (
        ("query", asked, asking),
        ("passage", gold, passages),
    ):
        shown = vectors[table["row"]]
        placed = ((shown - center) @ axes.T).astype(np.float32)  # (n, 4)
        parts.append(table.assign(role=role, **dict(zip(_COORDINATES, placed.T, strict=True))))
    share = _between_share(passages, codes, centroids)
    both = pd.concat(parts, ignore_index=True)
    both = both.assign(benchmark=benchmark.name, language_share=share)
    return both[["benchmark", "role", "language", "question_id", *_COORDINATES, "language_share"]]


def answers(benchmark: Benchmark, questions: int) -> pd.DataFrame:
    """Lists the relevant passages of some questions, the ones in most languages first.

    Where every question stands in one language alone, each language has as many of them.

    Args:
        benchmark: the questions and passages.
        questions: how many questions.

    Returns:
        One row per question and relevant passage: passage_id, language, text (and what else the
        benchmark has of a passage), row (in the benchmark's passages), question_id.
    """
    relevant = benchmark.judgements[benchmark.judgements["grade"] > 0]
    gold = relevant.merge(benchmark.queries[["query_id", "question_id"]], on="query_id")
    gold = gold.drop_duplicates(["question_id", "passage_id"])
    passages = benchmark.passages.assign(row=np.arange(len(benchmark.passages)))
    of = gold.merge(passages[["passage_id", "language"]], on="passage_id")
    of = of[["question_id", "language"]].drop_duplicates().sort_values("question_id")
    if of["question_id"].is_unique:  # nothing is parallel: as many of every language
        turn = of.groupby("language").cumcount()
        order = of.assign(turn=turn).sort_values("turn", kind="stable")["question_id"].to_numpy()
    else:
        n_passages = gold["question_id"].value_counts(sort=False).sort_index()
        order = n_passages.sort_values(ascending=False, kind="stable").index.to_numpy()
    chosen = gold["question_id"].isin(order[:questions])
    return passages.merge(gold.loc[chosen, ["question_id", "passage_id"]], on="passage_id")


def language_probe(
    vectors: Floats, languages: ArrayLike, questions: ArrayLike | None = None, *, folds: int = 5
) -> pd.DataFrame:
    """Measures how well a linear classifier tells a text's language from its vector.

    The texts it is tested on are not those it was trained on (cross-validation). The classifier is
    scikit-learn's logistic regression, with the same total weight for each language, on vectors
    that are centred and divided by their root mean square, which is one number (so a rotation
    changes nothing). Where the texts of languages differ in their topics, that is told too.

    Args:
        vectors: (n, d).
        languages: (n,) the language of each text.
        questions: (n,) whose text each is. All translations of a question are in one fold, so that
            no vector is recognised by its translation. None: each text stands by itself.
        folds: of the cross-validation.

    Returns:
        One row per language: language, n_texts, accuracy (the share of its texts that are told
        right), chance (1 / number of languages). The mean of `accuracy` is the balanced accuracy:
        at chance nothing is left of language, at 1 all is.

    Raises:
        ValueError: for vectors that are not finite real numbers, lengths that differ, a language or
            question that is missing, fewer than two languages or folds, or a language with
            fewer questions than folds.

    Example:
        >>> import hbtlib as hbt, numpy as np
        >>> vectors = np.array([[1, 0], [1, 0.2], [1, 0.1], [0, 1], [0.2, 1], [0.1, 1]])
        >>> found = hbt.probes.language_probe(vectors, ["de"] * 3 + ["en"] * 3, folds=3)
        >>> found["accuracy"].tolist(), found["chance"].tolist()
        ([1.0, 1.0], [0.5, 0.5])
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    check_integer("folds", folds, minimum=2)
    features = check_vectors("vectors", vectors)
    codes = _one_each("languages", languages)
    if questions is None:
        groups = np.arange(len(features))
    else:
        groups = pd.factorize(_one_each("questions", questions), sort=True)[0]
    _check_probe(features, codes, groups, folds)
    codes = codes.astype(str)
    features = features - features.mean(0)
    scale = max(np.sqrt((features**2).mean()), _SMALLEST)
    predicted = cross_val_predict(
        LogisticRegression(class_weight="balanced", max_iter=1000),
        features / scale,
        codes,
        groups=groups,
        cv=GroupKFold(folds, shuffle=True, random_state=0),
    )
    right = pd.Series(predicted == codes).groupby(codes).agg(n_texts="size", accuracy="mean")
    return right.rename_axis("language").reset_index().assign(chance=1 / len(right))


@dataclass(frozen=True)
class LanguageShift:
    """By how much the vectors of each language lie apart from those of one language.

    Attributes:
        source: the language that the others are measured from; its own shift is 0.
        vectors: language → (d,) the mean difference of its texts' vectors from their translations'.
        table: one row a language: language, n_texts, length (of its shift), and share: how much of
            the mean squared difference between translations is this one vector, 0 to 1. Chance
            is 1 / n_texts: differences without a common direction.
    """

    source: str
    vectors: dict[str, NDArray[np.float64]]
    table: pd.DataFrame

    def __call__(self, vectors: Floats, languages: ArrayLike) -> NDArray[np.float32]:
        """Takes its language's shift out of each vector.

        Args:
            vectors: (n, d), of passages; queries stay as they are.
            languages: (n,) the language of each.

        Returns:
            (n, d) float32 of unit length; a vector of which nothing is left is zero.

        Raises:
            ValueError: for a language without a shift, and vectors of another number or width.
        """
        codes = _one_each("languages", languages).astype(str)
        shifted = check_vectors("vectors", vectors, len(codes))
        unknown = sorted(set(codes.tolist()) - set(self.vectors))
        width = len(self.vectors[self.source])
        if unknown or shifted.shape[1] != width:
            fitted, given = " ".join(sorted(self.vectors)), " ".join(sorted(set(codes.tolist())))
            raise ValueError(
                f"the shift is of width {width} in {fitted}, and the vectors are of width "
                f"{shifted.shape[1]} in {given}: fit it with the same encoder, on texts in all "
                "these languages"
            )
        for code in set(codes.tolist()):
            shifted[codes == code] -= self.vectors[code]
        lengths = np.linalg.norm(shifted, axis=1, keepdims=True)
        return (shifted / np.maximum(lengths, _SMALLEST)).astype(np.float32)


def language_shift(vectors: Mapping[str, Floats], source: str = ENGLISH) -> LanguageShift:
    """Fits by how much each language's vectors lie apart from those of their translations.

    A language's shift is the mean over texts of its vector minus that of the same text in the
    source language; taking it out of the passages' vectors removes bias without training (SHIFT,
    arXiv 2606.18801, from its abstract). Fit it on parallel text that is not evaluated on, such as
    NTREX: `rank_vectors(…, remove="mean")` estimates on the benchmark's own texts instead, and so
    sees which topics each language has there.

    Args:
        vectors: language → (n, d) of some texts, embedded as passages; row i of every language is a
            translation of the same text.
        source: the language from which the others are measured.

    Returns:
        The shift; call it with passages' vectors and their languages.

    Raises:
        ValueError: without the source language or another one, for fewer than two texts, and for
            languages of different numbers of texts or widths.

    Example:
        >>> import hbtlib as hbt, numpy as np
        >>> english = np.array([[1.0, 0, 0], [0, 1, 0]])
        >>> shift = hbt.probes.language_shift({"en": english, "de": english + [0, 0, 2]})
        >>> shift.table["share"].tolist(), shift(english + [0, 0, 2], ["de", "de"]).tolist()
        ([1.0, 0.0], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    """
    if not isinstance(source, str):
        raise ValueError(f"source is {short(source)}; it is the code of a language")
    if not isinstance(vectors, Mapping) or source not in vectors or len(vectors) < 2:
        raise ValueError(
            f"vectors is {short(vectors, 60)}; give a mapping of language codes to vectors, with "
            f"{short(source)} and another language"
        )
    numbers = {code: check_vectors(f"vectors of {code}", v) for code, v in vectors.items()}
    shapes = {code: found.shape for code, found in numbers.items()}
    if len(set(shapes.values())) > 1 or len(numbers[source]) < 2:
        raise ValueError(
            f"vectors have the shapes {short(shapes, 120)}; give two texts or more, the same in "
            "every language and in the same order"
        )
    shifts, rows = {}, []
    for code in sorted(numbers):
        differences = numbers[code] - numbers[source]
        shifts[code] = differences.mean(0)
        length = np.linalg.norm(shifts[code])
        squares = (differences**2).sum(1).mean()
        share = length**2 / squares if squares else 0.0
        rows.append((code, len(differences), length, share))
    table = pd.DataFrame(rows, columns=["language", "n_texts", "length", "share"])
    return LanguageShift(source, shifts, table)


def _one_each(name: str, values: object) -> NDArray:
    """Returns a list as an array; ValueError for what is none."""
    column: NDArray = np.asarray(values, dtype=object)
    if column.ndim != 1:
        raise ValueError(f"{name} is {short(values)}; it must be a list with one for each text")
    return column


def _check_probe(features: NDArray, codes: NDArray, groups: NDArray, folds: int) -> None:
    """Raises ValueError if a probe cannot be made of these."""
    if not len(features) == len(codes) == len(groups):
        raise ValueError(
            f"{len(features)} vectors, {len(codes)} languages and {len(groups)} questions: give "
            "one of each a text"
        )
    if pd.isna(codes).any() or (groups < 0).any():
        raise ValueError("a language or question is missing: give one of each a text")
    questions = pd.Series(groups).groupby(codes).nunique()
    if len(questions) < 2 or folds < 2 or questions.min() < folds:
        raise ValueError(
            f"{folds} folds of {short(questions.to_dict(), 150)} questions: a probe needs two "
            "languages and two folds at least, and as many questions of each language as folds"
        )


def _between_share(
    vectors: NDArray[np.float64], codes: NDArray, centroids: NDArray[np.float64]
) -> float:
    """The share of the vectors' variance that lies between groups.

    Args:
        vectors: (n, d).
        codes: (n,) the group of each vector.
        centroids: (groups, d) the groups' means.
    """
    center = vectors.mean(0)
    between = (np.bincount(codes) * ((centroids - center) ** 2).sum(1)).sum()
    total = ((vectors - center) ** 2).sum()
    return float(between / max(total, _SMALLEST))


def _principal_axes(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first two principal axes of centred vectors (n, d): (2, d), largest variance first.

    Each has the sign that makes its largest entry positive.
    """
    by_variance = np.linalg.eigh(centred.T @ centred)[1].T  # the smallest first
    axes = by_variance[:-3:-1]
    largest = axes[np.arange(2), np.abs(axes).argmax(1)]
    return axes * np.sign(largest)[:, None]
