"""The catalog: every dataset, and how it is loaded."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd

from hbtlib.checks import check_integer, check_options, short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.source import local_folder
from hbtlib.data.given import check_languages
from hbtlib.data.pairs import Pairs
from hbtlib.data.sets import (
    afriqa,
    belebele,
    belebele_flores20,
    duorc,
    entity_questions,
    folder,
    hinglish_top,
    mfaq,
    miracl,
    miracl_hard_negatives,
    mlqa,
    mlqa_pairs,
    mlqa_r,
    mmarco,
    mmarco_codemixed,
    mr_tydi,
    mtop,
    mtop_domain,
    natural_questions,
    newsqa,
    ntrex,
    squad,
    squadshifts,
    tydiqa_goldp,
    wikiqa,
    worldfacts,
    xm3600,
    xnli,
    xquad,
    xquad_r,
    yahoo_answers,
)
from hbtlib.data.shares import thin_out
from hbtlib.data.suites import SUITES, find_suite


class Entry(NamedTuple):
    """One dataset of the catalog.

    Attributes:
        module: its module in `hbtlib.data.sets`, with its loaders, languages and folders.
        kinds: what it can be loaded as: pairs, benchmark, or both.
        counts: how much there is of it.
        licence: the licence of its texts.
        source: where it is published.
        read: where its real content was read by this library, with counts; "never" where its loader
            has only met files of the same layout that tests wrote.
    """

    module: ModuleType
    kinds: tuple[str, ...]
    counts: str
    licence: str
    source: str
    read: str = "never"


BOTH = ("pairs", "benchmark")
BY_SA_3 = "CC BY-SA 3.0"
BY_SA_4 = "CC BY-SA 4.0"

CATALOG: dict[str, Entry] = {
    "worldfacts": Entry(
        worldfacts,
        BOTH,
        "3,141 facts in 20 languages",
        "Unicode-3.0 (CLDR)",
        "made from the CLDR data of the Babel package",
        "made here: all 3,141 facts in 20 languages",
    ),
    "xquad-r": Entry(
        xquad_r,
        BOTH,
        "13,090 queries, 13,014 passages",
        BY_SA_4,
        "github.com/google-research-datasets/lareqa",
        "all eleven files: 13,090 queries, 13,014 passages",
    ),
    "mlqa-r": Entry(
        mlqa_r,
        BOTH,
        "4,199 queries, 21,220 passages (LAReQA's own: 20,534)",
        BY_SA_3,
        mlqa.XTREME.page,
        "MLQA dev's seven same-language files, split here; of LAReQA's own the first pages of two",
    ),
    "xquad": Entry(
        xquad,
        BOTH,
        "14,280 queries, 2,880 passages",
        BY_SA_4,
        xquad.GOOGLE.page,
    ),
    "mlqa": Entry(
        mlqa,
        BOTH,
        "dev: 4,199 queries, 3,646 passages",
        BY_SA_3,
        mlqa.XTREME.page,
        "dev's seven same-language files: 4,199 queries; the other files never",
    ),
    "tydiqa-goldp": Entry(
        tydiqa_goldp,
        BOTH,
        "dev: 5,077 queries, 4,488 passages; train: 49,881 queries",
        "Apache-2.0",
        tydiqa_goldp.GOOGLE.page,
        "dev, all nine files: 5,077 queries; train in en ko sw: 8,076 queries",
    ),
    "belebele": Entry(
        belebele,
        BOTH,
        "900 queries, 488 passages a language; 122 variants by their codes",
        BY_SA_4,
        belebele.MTEB.page,
        "the part in FLORES-200 devtest (belebele-flores20): 626 queries, 3,560 passages; its own "
        "files never",
    ),
    "belebele-flores20": Entry(
        belebele_flores20,
        ("benchmark",),
        "626 queries, 3,560 passages",
        BY_SA_4,
        "the part of Belebele in FLORES-200 devtest, put together from both",
        "whole: 626 queries, 3,560 passages",
    ),
    "miracl": Entry(
        miracl,
        BOTH,
        "dev: 13,495 queries, 106 million passages (en, 33 million)",
        "Apache-2.0, CC BY-SA",
        f"{miracl.TOPICS.page}, {miracl.CORPUS.repository}",
        "dev's topics and judgements: 13,495 queries in 18 languages; the passages never",
    ),
    "miracl-hard-negatives": Entry(
        miracl_hard_negatives,
        BOTH,
        "11,076 queries, 2.45 million passages",
        "Apache-2.0, CC BY-SA",
        miracl_hard_negatives.MTEB.page,
    ),
    "mtop": Entry(
        mtop,
        BOTH,
        "200 queries a language; en 4,386 passages",
        BY_SA_4,
        mtop.HUBS["intent"].page,
        "XSemPLR's mtop.jsonl: 859 validation and 1,237 test ids in 6 languages; the hub's never",
    ),
    "mtop-domain": Entry(
        mtop_domain,
        ("benchmark",),
        "200 queries a language; en 4,386 passages",
        BY_SA_4,
        mtop.HUBS["domain"].page,
        "XSemPLR's mtop.jsonl: 859 validation and 1,237 test ids in 6 languages; the hub's never",
    ),
    "xm3600": Entry(
        xm3600,
        BOTH,
        "129,600 queries, some 131,775 passages",
        "CC BY 4.0",
        xm3600.MTEB.page,
    ),
    "mlqa-pairs": Entry(
        mlqa_pairs,
        BOTH,
        "9,677 ids, partly parallel",
        BY_SA_3,
        "MLQA test, joined by id",
        "all: 9,677 ids",
    ),
    "squad": Entry(
        squad,
        BOTH,
        "your own, or any set in SQuAD's form",
        "the set's",
        "data=FILE_OR_FOLDER: SQuAD's form and its variations",
        "XQuAD-R (13,090 queries), MLQA dev (4,199), TyDiQA-GoldP dev (5,077) and one file of "
        "train as XTREME has it (2,755); other sets' variations: parts of files, or descriptions",
    ),
    "xnli": Entry(
        xnli,
        ("pairs",),
        "dev 830, test 1,670 premises in 15 languages, two hard negatives each",
        "CC BY-NC 4.0",
        "XNLI 1.0: xnli.dev.tsv, xnli.test.tsv",
        "labelled.jsonl: 2,500 premises in 15 languages; XNLI's own files never",
    ),
    "afriqa": Entry(
        afriqa,
        BOTH,
        "train 2,092, dev 1,855, test 3,107 questions; 6,151 passages",
        "CC BY 4.0",
        "github.com/masakhane-io/afriqa",
        "pairs.jsonl: 7,054 questions in nine languages; of AfriQA's own files one's first page",
    ),
    "hinglish-top": Entry(
        hinglish_top,
        BOTH,
        "train 2,993, validation 1,390, test 6,513 commands",
        "Apache-2.0",
        "github.com/google-research-datasets/Hinglish-TOP-Dataset",
        "pairs.jsonl: 10,896 commands; of the dataset's own files one's first page",
    ),
    "mmarco-codemixed": Entry(
        mmarco_codemixed,
        ("benchmark",),
        "12,706 queries of five degrees, 6,980 passages",
        "none stated; MS MARCO is non-commercial",
        "github.com/cmHuang777/codemix-dense-retrieval",
        "all: 12,706 queries, 6,980 passages",
    ),
    "ntrex": Entry(
        ntrex,
        ("pairs",),
        "1,997 parallel sentences",
        BY_SA_4,
        "github.com/MicrosoftTranslator/NTREX",
        "1,997 sentences in 20 languages",
    ),
    "mmarco": Entry(
        mmarco,
        ("pairs",),
        "39.8 million triples by id, parallel in 14 languages",
        "Apache-2.0 (card), CC BY 4.0 (file); MS MARCO: research",
        mmarco.UNICAMP.page,
    ),
    "natural-questions": Entry(
        natural_questions,
        ("pairs",),
        "100,231 questions",
        "CC BY-SA 3.0 (Natural Questions)",
        natural_questions.PAIRS.page,
    ),
    "duorc": Entry(
        duorc,
        ("pairs",),
        "SelfRC 60,721, ParaphraseRC 69,524 questions to train on",
        "MIT",
        duorc.IBM.page,
    ),
    "newsqa": Entry(
        newsqa,
        ("pairs",),
        "74,160 questions to train on",
        "none stated; the articles are CNN's",
        newsqa.MRQA.page,
    ),
    "wikiqa": Entry(
        wikiqa,
        ("pairs",),
        "1,473 answers in all splits",
        "Microsoft research",
        wikiqa.MICROSOFT.page,
    ),
    "yahoo-answers": Entry(
        yahoo_answers,
        ("pairs",),
        "1,198,260 titles with answers",
        "none stated; for research",
        yahoo_answers.PAIRS.page,
    ),
    "entity-questions": Entry(
        entity_questions,
        ("pairs",),
        "questions and names, 24 relations; no passages",
        "MIT",
        "github.com/princeton-nlp/EntityQuestions",
    ),
    "mr-tydi": Entry(
        mr_tydi,
        ("pairs",),
        "3,547 questions to train on (en)",
        "Apache-2.0",
        mr_tydi.CASTORINI.page,
    ),
    "mfaq": Entry(
        mfaq,
        ("pairs",),
        "3,719,484 pairs (en)",
        "CC0 (the packaging)",
        mfaq.CLIPS.page,
    ),
    "squadshifts": Entry(
        squadshifts,
        BOTH,
        "without nyt 27,626 queries, 5,664 passages",
        "CC BY 4.0",
        squadshifts.LMQG.page,
        "new_wiki, amazon and reddit: 27,626 queries, 5,664 passages; nyt never",
    ),
    "folder": Entry(
        folder,
        BOTH,
        "your own",
        "yours",
        "data=FOLDER: BEIR's layout, TREC files, or pairs.jsonl",
        "yours",
    ),
}


def catalog() -> pd.DataFrame:
    """Lists every dataset.

    Returns:
        One row a dataset and kind: name, kind (pairs or benchmark), languages (separated by
        blanks), counts, licence, source, read (where its real content was read by this library,
        with counts, or "never"), and offline: whether it needs no download, because it is made here
        or lies in the folder that `HBT_DATA` names.

    Raises:
        DataError: if `HBT_DATA` names no folder.

    Example:
        >>> import hbtlib as hbt
        >>> known = hbt.catalog()
        >>> known[known["name"] == "worldfacts"][["kind", "licence", "offline"]].values.tolist()
        [['pairs', 'Unicode-3.0 (CLDR)', True], ['benchmark', 'Unicode-3.0 (CLDR)', True]]
    """
    return pd.DataFrame(
        [
            {
                "name": name,
                "kind": kind,
                "languages": " ".join(entry.module.LANGUAGES),
                "counts": entry.counts,
                "licence": entry.licence,
                "source": entry.source,
                "read": entry.read,
                "offline": _is_offline(name, entry),
            }
            for name, entry in CATALOG.items()
            for kind in entry.kinds
        ]
    )


def load_benchmark(name: str, data: str | Path | None = None, **options: Any) -> Benchmark:
    """Loads a benchmark of the catalog.

    Args:
        name: its name in `hbt.catalog()`; "folder" for files of your own.
        data: the folder with its files; None looks for one in the folder that `HBT_DATA` names,
            and then downloads the files from where they are published.
        **options: what its loader takes (languages, split, …; see its module in
            `hbtlib.data.sets`). An option that is None is left to the loader's default.

    Raises:
        ValueError: for a name the catalog lacks, and an option the loader lacks.
        DataError: (`hbtlib.data.formats.checks.DataError`, a ValueError) for files that cannot be
            had or are not what they should be, naming the place and what to do.

    Example:
        >>> import hbtlib as hbt
        >>> hbt.load_benchmark("worldfacts", languages=["de", "sw"])
        Benchmark('worldfacts', 1,884 queries, 1,884 passages, 3,768 judgements, languages de sw)
    """
    return _load(name, _module(name, "benchmark").load_benchmark, data, options)


def load_pairs(
    name: str,
    data: str | Path | None = None,
    *,
    shares: Mapping[str, float] | None = None,
    shares_seed: int = 0,
    **options: Any,
) -> Pairs:
    """Loads training pairs of the catalog.

    Where a dataset has no pairs of its own, they are its benchmark's questions with their relevant
    passages (`Pairs.from_benchmark`).

    Args:
        name: its name in `hbt.catalog()`; "folder" for files of your own.
        data: the folder with its files, as for `load_benchmark`.
        shares: language → the share of its ids that keep their texts in it (`hbt.thin_out`).
        shares_seed: of the draw of these ids.
        **options: what its loader takes, as for `load_benchmark`.

    Raises:
        ValueError: as `load_benchmark` and `thin_out` do.
        DataError: as `load_benchmark` does.

    Example:
        >>> import hbtlib as hbt
        >>> pairs = hbt.load_pairs("worldfacts", languages=["de", "sw"])
        >>> len(pairs), pairs.languages
        (1880, ('de', 'sw'))
    """
    module = _module(name, "pairs")
    if hasattr(module, "load_pairs"):
        pairs = _load(name, module.load_pairs, data, options)
    else:
        pairs = Pairs.from_benchmark(load_benchmark(name, data, **options))
    return thin_out(pairs, shares, shares_seed) if shares else pairs


def load_suite(
    name: str, options: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Benchmark]:
    """Loads every benchmark of a suite, such as `m2c2` (see `hbtlib.data.suites`).

    Args:
        name: the suite's name.
        options: benchmark → what `load_benchmark` takes for it, such as
            {"xquad-r": {"languages": ["de", "en"]}}.

    Returns:
        Name → benchmark. They are not put together: each keeps its own pools.

    Raises:
        ValueError: for another name, options of a benchmark that the suite does not have, and as
            `load_benchmark` does.
        DataError: as `load_benchmark` does.
    """
    names = find_suite(name).benchmarks
    given = check_options("options", options, names)
    checked = {one: _check_benchmark_options(one, given.get(one)) for one in names}
    return {one: load_benchmark(one, **checked[one]) for one in names}


def _check_benchmark_options(name: str, options: object) -> dict[str, Any]:
    """Raises ValueError unless these are options that the benchmark's loader takes."""
    loader = _module(name, "benchmark").load_benchmark
    return check_options(f"options[{name!r}]", options, inspect.signature(loader).parameters)


def _is_offline(name: str, entry: Entry) -> bool:
    if not entry.module.FOLDERS:  # made here, or given with data=
        return True
    return local_folder(name, None, entry.module.FOLDERS) is not None


def _module(name: str, kind: str) -> ModuleType:
    """The dataset's module. Raises ValueError if the catalog has no such pairs or benchmark."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"the {kind} is {short(name)}; it is a name of hbt.catalog()")
    entry = CATALOG.get(name)
    if entry is not None and kind in entry.kinds:
        return entry.module
    if entry is not None:
        other = entry.kinds[0]
        raise ValueError(f"{name} is no {kind}; it is {other}: hbt.load_{other}({name!r})")
    if name in SUITES:
        raise ValueError(
            f"{name} is no {kind} but a suite of several benchmarks "
            f"({' '.join(SUITES[name].benchmarks)}): hbt.load_suite({name!r})"
        )
    if "/" in name or os.path.isdir(name):  # noqa: PTH112 (Path's raises where it is too long)
        raise ValueError(
            f"no {kind} {short(name)}; a folder of your own is hbt.load_{kind}('folder', "
            f"data={short(name)})"
        )
    have = [known for known, entry in CATALOG.items() if kind in entry.kinds]
    close = difflib.get_close_matches(name, have, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"no {kind} {short(name)}; {hint}the catalog has: {', '.join(have)}")


def _load(
    name: str, loader: Callable[..., Any], data: str | Path | None, options: dict[str, Any]
) -> Any:
    """Calls a loader with the options that are not None: a notebook passes on all it has."""
    parameters = inspect.signature(loader).parameters
    known = [parameter for parameter in parameters if parameter != "data"]
    given = {option: value for option, value in options.items() if value is not None}
    for option, value in given.items():
        if option not in known:
            close = difflib.get_close_matches(option, known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(f"{name} has no option {option!r}; {hint}it has {', '.join(known)}")
        _check_type(name, option, value, str(parameters[option].annotation))
    given["languages"] = check_languages(name, given.get("languages"))
    if given["languages"] is None:
        del given["languages"]
    return loader(data, **given)


def _check_type(name: str, option: str, value: object, annotation: str) -> None:
    """Refuses an option of another type than its loader takes."""
    kind = annotation.removesuffix(" | None")
    if kind == "str" and not (isinstance(value, str) and value):
        raise ValueError(f"{name}: {option} is {short(value)}; it is a text")
    if kind == "bool" and not isinstance(value, bool):
        raise ValueError(f"{name}: {option} is {short(value)}; it is True or False")
    if kind == "int":
        check_integer(f"{name}: {option}", value)
