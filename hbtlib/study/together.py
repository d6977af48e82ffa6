"""Checks of the train notebook's parameters together: what one means depends on another.

`pairs_options` are options of the loader that `pairs` names, `objective_options` those of the
objective, and so on. What cannot be known before a kernel starts is left to the notebook.
"""

import ast
import difflib
import inspect
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hbtlib.checks import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_options,
    short,
)
from hbtlib.sampling.strategies import STRATEGIES
from hbtlib.study.schema import number_as_text
from hbtlib.study.values import check_map_name

OBJECTIVES: dict[str, tuple[str, ...]] = {
    "info-nce": (),
    "adversarial": ("weight", "hidden", "learning_rate"),
    "one-to-k": ("k",),
    "semantic-language": ("semantic", "language"),
    "lancer": ("weight", "texts"),
    "clear": ("alpha", "beta"),
    "code-switch": ("share",),
}
"""The options of the library's objectives: asking the objectives themselves would load torch."""

OF_EVERY_OBJECTIVE = ("distillation",)
"""The options that every objective has besides."""

SPLITS = {
    "worldfacts": ("train", "validation", "test"),
    "mlqa-pairs": ("train", "validation"),
}
"""The splits of benchmarks whose modules do not list them as `SPLITS`."""

SHARES = ("shares", "shares_seed")
"""The options that all pairs have besides those of their loaders (`hbt.thin_out`)."""

WITHOUT_NEGATIVES = ("one-to-k", "clear")
"""Objectives that have no place for hard negatives."""

NEGATIVES = ("n", "ranks", "margin", "precision", "seed")
"""The options of `hbtlib.mine_negatives`."""

PRETRAININGS = ("masked-lm", "translation-lm")
"""What `hbt.pretrain` trains by, which imports torch; a test compares."""

PRETRAINING: dict[str, dict[str, Any]] = {
    "masked": {"above": 0, "below": 1},
    "learning_rate": {"above": 0, "maximum": 1000},
    "embedding_learning_rate": {"minimum": 0},
    "weight_decay": {"minimum": 0, "maximum": 1000},
    "warmup": {"minimum": 0, "below": 1},
}
"""The options of a first stage that are numbers, and what these may be."""

PRETRAINING_COUNTS = ("steps", "batch_size", "checkpoint_every", "log_every")
"""The options of a first stage that are whole numbers from 1 up."""

SMALL = ("seed", "width", "layers", "heads", "dropout", "embedding_std")
"""The options of the encoder `small` itself."""

ENCODER = ("pooling", "normalize", "query_prefix", "passage_prefix", "device")
"""The options of `Encoder.load` that every encoder has."""

DECIDED = {
    **dict.fromkeys(("max_steps", "num_train_epochs"), "steps"),
    **dict.fromkeys(("seed", "data_seed"), "seed"),
    **dict.fromkeys(("per_device_train_batch_size", "per_device_eval_batch_size"), "batch_size"),
    **dict.fromkeys(("save_strategy", "save_steps", "eval_strategy"), "evaluate_every"),
    **dict.fromkeys(("eval_steps", "logging_strategy", "logging_steps"), "evaluate_every"),
    **dict.fromkeys(("load_best_model_at_end", "metric_for_best_model"), "validation"),
    **dict.fromkeys(("bf16", "fp16"), "precision"),
    "greater_is_better": "validation",
    "learning_rate": "learning_rate",
    "weight_decay": "weight_decay",
    "warmup_steps": "warmup",
    "auto_find_batch_size": "chunk_tokens",
    "label_smoothing_factor": "objective",
    "output_dir": "folder",
    "use_cpu": "encoder_options",
}
"""Arguments of transformers that another parameter decides, and which one."""

FIXED = (
    "remove_unused_columns",
    "save_total_limit",
    "save_only_model",
    "restore_callback_states_from_checkpoint",
    "ignore_data_skip",
    "resume_from_checkpoint",
    "train_sampling_strategy",
    "dataloader_drop_last",
    "logging_nan_inf_filter",
)
"""Arguments of transformers that cannot be other than hbtlib sets them."""

OPTIONS = (
    "encoder_options",
    "pairs_options",
    "benchmark_options",
    "objective_options",
    "negatives",
    "pretraining",
    "lora",
    "arguments",
)
"""The parameters that are options of something else."""

USED = (
    *OPTIONS,
    "strategy",
    "encoder",
    "pairs",
    "languages",
    "benchmark",
    "split",
    "evaluated",
    "embedding_learning_rate",
    "objective",
    "validation",
)
"""The parameters that the checks below look at."""


def check_together(parameters: Mapping[str, Any]) -> None:
    """Checks parameters of the train notebook together; each alone has been checked before.

    Args:
        parameters: All parameters with their values.

    Raises:
        ValueError: An option is unknown or of no use, or two parameters exclude each other.
    """
    for name in OPTIONS:
        _check_options(name, parameters[name])
    _check_encoder(parameters)
    _check_benchmarks(parameters)
    if parameters["strategy"] == "none":
        _check_no_stages(parameters)
        return
    _check_pairs(parameters)
    _check_pretraining(parameters["pretraining"])
    _check_validation(parameters)
    _check_objective(parameters)
    _check_negatives(parameters)
    _check_lora(parameters)
    _check_arguments(parameters["arguments"] or {})


def _check_options(name: str, options: Mapping[str, Any] | None) -> None:
    """Raises ValueError for a number that YAML read as text, and an option that is no name."""
    for option, value in (options or {}).items():
        if isinstance(value, Mapping) and name in ("pairs_options", "benchmark_options"):
            if option != "shares":
                _check_options(f"{name}: {option}", value)  # of one of several sets
            continue
        if not option.isidentifier():
            raise ValueError(f"{name} has no option {short(option)}; an option is a single word")
        # The revision of a model may look like such a number.
        found = number_as_text(f"{name}: {option}", value) if option != "revision" else None
        if found:
            raise ValueError(found)


def _check_encoder(parameters: Mapping[str, Any]) -> None:
    """Checks the options of the small encoder; other encoders hand theirs on to transformers."""
    options = parameters["encoder_options"]
    if "max_length" in options:
        raise ValueError("encoder_options has max_length, which is a parameter of its own")
    if parameters["encoder"] == "small":
        check_options("encoder_options", options, (*SMALL, *ENCODER, "neutral"))
    if "neutral" in options:
        check_map_name("encoder_options: neutral", options["neutral"])


def _check_pairs(parameters: Mapping[str, Any]) -> None:
    """Checks that the loaders of all sets of pairs have the options, and the languages."""
    names = parameters["pairs"].split()
    for name, options in options_by_set(parameters["pairs"], parameters["pairs_options"]).items():
        known = loader_options(name, "pairs")
        if "split" not in known:
            raise ValueError(
                f"pairs is {name!r}, which has no split to choose weights by; train on other pairs"
            )
        own = [option for option in known if option not in ("split", "languages")]
        for option in ("split", "languages"):
            if option in options:
                raise ValueError(f"pairs_options has {option}, which the notebook gives itself")
        _check_loader_options("pairs_options", options, [*own, *SHARES], name)
        _check_shares(options, parameters["languages"].split(), name)
    if len(names) == 1:
        _check_languages("languages", parameters["languages"], names[0])
        return
    for code in parameters["languages"].split():
        if not any(code in languages_of(name, [code]) for name in names):
            raise ValueError(f"languages has {code}, which none of {', '.join(names)} has")


def _check_shares(options: Mapping[str, Any], languages: Sequence[str], name: str) -> None:
    """Checks the shares of languages that a set of pairs is thinned out to."""
    from hbtlib.data.shares import check_shares

    shares = options.get("shares", {})
    check_shares("pairs_options: the share", shares)
    for code in shares:
        if code not in languages_of(name, languages):
            raise ValueError(
                f"pairs_options: shares has {short(code)}, which {name!r} gives no text in: it "
                f"gives {' '.join(languages_of(name, languages))}"
            )
    if "shares_seed" in options:
        check_integer("pairs_options: shares_seed", options["shares_seed"], minimum=0)


def options_by_set(pairs: str, options: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The options of each set of pairs.

    Args:
        pairs: one or several names, separated by blanks.
        options: the options of one set; for several: name → options.

    Returns:
        Name → options, for every set.

    Raises:
        ValueError: for options of a set that is not named.
    """
    asked = pairs.split()
    if len(asked) == 1:
        return {asked[0]: options}
    for name, given in options.items():
        if name not in asked or not isinstance(given, Mapping):
            raise ValueError(
                f"pairs_options has {short(name)}, which is none of the pairs ({' '.join(asked)}) "
                "with its options; for several sets write {NAME: {OPTION: VALUE}}"
            )
    return {name: options.get(name, {}) for name in asked}


def languages_of(name: str, languages: Sequence[str], split: str = "train") -> list[str]:
    """Those of some languages that a set of pairs has, as far as is known before it is read.

    Args:
        name: the set, of the catalog.
        languages: codes of languages.
        split: which split is asked for.
    """
    from hbtlib.data.catalog import CATALOG

    have, lacks = CATALOG[name].module.LANGUAGES, lacking(name, split)
    return [code for code in languages if code not in lacks and (not have or code in have)]


def lacking(name: str, split: str) -> set[str]:
    """The languages of a set of pairs that one of its splits lacks: AfriQA's train has no Swahili.

    Args:
        name: the set, of the catalog.
        split: the split.
    """
    from hbtlib.data.catalog import CATALOG

    module = CATALOG[name].module
    splits = getattr(module, "SPLITS", ())
    called = splits.get(split, split) if isinstance(splits, Mapping) else split
    return {code for code, of_split in getattr(module, "LACKING", ()) if of_split == called}


def asked_of(benchmark: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What the loader of one of a run's benchmarks is asked for.

    Args:
        benchmark: its name.
        parameters: those of the run: benchmark, evaluated, split and benchmark_options. Of the
            options, those under the benchmark's name are its own, and come before all else; those
            under no benchmark's name are for all.

    Returns:
        Option → value; `languages` and `split` are None where nothing asks for some.

    Example:
        >>> from hbtlib.study.together import asked_of
        >>> options = {"afriqa": {"split": "dev"}, "tydiqa-goldp": {"languages": ["bn", "te"]}}
        >>> run = {"benchmark": "afriqa tydiqa-goldp", "evaluated": "sw", "split": None}
        >>> asked_of("tydiqa-goldp", {**run, "benchmark_options": options})
        {'languages': ['bn', 'te'], 'split': None}
    """
    evaluated = parameters["evaluated"]
    asked = {"languages": evaluated.split() if evaluated else None, "split": parameters["split"]}
    options = parameters["benchmark_options"]
    of_all = {name: value for name, value in options.items() if not _is_own(name, parameters)}
    return {**asked, **of_all, **(options.get(benchmark) or {})}


def _is_own(option: str, parameters: Mapping[str, Any]) -> bool:
    """Whether what stands in benchmark_options is one benchmark's own options, by its name."""
    value = parameters["benchmark_options"][option]
    return option in parameters["benchmark"].split() and isinstance(value, Mapping)


def _check_benchmarks(parameters: Mapping[str, Any]) -> None:
    """Checks that the loaders of all benchmarks have the options, the split and the languages."""
    _check_owners(parameters)
    for name in parameters["benchmark"].split():
        known = loader_options(name, "benchmark")
        asked = asked_of(name, parameters)
        options = {option: value for option, value in asked.items() if value is not None}
        split, languages = options.pop("split", None), options.pop("languages", None)
        _check_loader_options("benchmark_options", options, known, name)
        if split is not None:
            _check_split(split, name, known)
        if languages is not None:
            what = "evaluated" if _is_evaluated(languages, parameters) else "benchmark_options"
            _check_languages(what, _as_text(languages, name), name)


def _check_owners(parameters: Mapping[str, Any]) -> None:
    """Raises ValueError for options under a name that is none of the benchmarks."""
    for name, value in parameters["benchmark_options"].items():
        if isinstance(value, Mapping) and not _is_own(name, parameters):
            raise ValueError(
                f"benchmark_options has {short(name)} with a mapping, and that is none of the "
                f"benchmarks ({parameters['benchmark']}); for one of several write "
                "{NAME: {OPTION: VALUE}}"
            )


def _is_evaluated(languages: object, parameters: Mapping[str, Any]) -> bool:
    """Whether a benchmark's languages are those of the parameter `evaluated`."""
    return parameters["evaluated"] is not None and languages == parameters["evaluated"].split()


def _as_text(languages: object, benchmark: str) -> str:
    """Codes of languages as one text, if they are a list of such."""
    if not isinstance(languages, list | tuple) or not all(isinstance(c, str) for c in languages):
        raise ValueError(
            f"benchmark_options: languages of {benchmark!r} is {short(languages)}; it must be a "
            "list of codes, such as [de, en]"
        )
    return " ".join(languages)


def _check_split(split: str, name: str, known: Collection[str]) -> None:
    """Checks that a benchmark has this split, where its splits are known."""
    from hbtlib.data.catalog import CATALOG

    if "split" not in known:
        raise ValueError(
            f"split is {split!r}, but the benchmark {name!r} has no splits: leave split out"
        )
    have = SPLITS.get(name) or getattr(CATALOG[name].module, "SPLITS", None)
    if have is not None:
        check_choice("split", split, have)


def loader_options(name: str, kind: str) -> list[str]:
    """Returns what the loader of a dataset takes.

    Args:
        name: The dataset, of the catalog.
        kind: `pairs` or `benchmark`.

    Returns:
        The names of its options. `data` is among them if the dataset reads files.
    """
    from hbtlib.data.catalog import CATALOG  # pandas comes with it

    module = CATALOG[name].module
    # Without pairs of its own, a dataset's pairs are its benchmark's questions.
    loader = getattr(module, f"load_{kind}", None) or module.load_benchmark
    options = list(inspect.signature(loader).parameters)
    made_here = module.LANGUAGES and not module.FOLDERS
    return [option for option in options if option != "data" or not made_here]


def _check_loader_options(
    what: str, options: Mapping[str, Any], known: Collection[str], dataset: str
) -> None:
    """Checks options of a loader; the message names the dataset."""
    try:
        check_options(what, options, known)
    except ValueError as error:
        raise ValueError(f"{error} ({dataset!r} is loaded with them)") from None


def _check_languages(what: str, codes: str, dataset: str) -> None:
    """Checks that a dataset has these languages, where it lists all that it has."""
    from hbtlib.data.catalog import CATALOG

    have = CATALOG[dataset].module.LANGUAGES
    if dataset == "belebele" or not have:  # belebele takes its own codes too, a folder any
        return
    for code in codes.split():
        if code not in have:
            raise ValueError(
                f"{what} has {code!r}, which {dataset!r} lacks; it has {' '.join(have)}"
            )


def _check_validation(parameters: Mapping[str, Any]) -> None:
    """Checks that the first benchmark has a validation split, where a metric of it is asked for."""
    first = parameters["benchmark"].split()[0]
    by_metric = parameters["validation"] not in STRATEGIES
    if by_metric and "split" not in loader_options(first, "benchmark"):
        raise ValueError(
            f"validation is {parameters['validation']!r}, a metric of the validation split, but "
            f"the benchmark {first!r} has no splits: name a strategy, such as x-x-mono"
        )


def _check_objective(parameters: Mapping[str, Any]) -> None:
    """Checks the objective, its options, and that these are numbers."""
    objective, options = parameters["objective"], parameters["objective_options"] or {}
    known = OBJECTIVES.get(objective)
    if known is None:
        known = _other_objective(objective)
    check_options("objective_options", options, (*known, *OF_EVERY_OBJECTIVE))
    for option, value in options.items():
        check_number(f"objective_options: {option}", value, minimum=0)
    if objective == "one-to-k" and "k" in options:
        most = len(parameters["languages"].split())
        check_integer("objective_options: k", options["k"], minimum=1, maximum=most)


def _other_objective(name: str) -> tuple[str, ...]:
    """Returns the options of an objective that somebody added to the library's own."""
    from hbtlib.training.objectives import OBJECTIVES as ALL  # torch comes with it

    return tuple(ALL[check_choice("objective", name, ALL)].defaults)


def _check_negatives(parameters: Mapping[str, Any]) -> None:
    """Checks the options of hard negatives, and that the objective has a place for them."""
    options = check_options("negatives", parameters["negatives"], NEGATIVES)
    if not options:
        return
    if parameters["objective"] in WITHOUT_NEGATIVES:
        raise ValueError(
            f"negatives are given, but the objective {parameters['objective']!r} has no place for "
            "hard negatives: leave them out"
        )
    n = check_integer("negatives: n", options.get("n", 1), minimum=1)
    check_number("negatives: margin", options.get("margin", 0.0))
    ranks = options.get("ranks", [10, 100])
    if not isinstance(ranks, list | tuple) or len(ranks) != 2:
        raise ValueError(
            f"negatives: ranks is {short(ranks)}; it must be the first and the last rank, such as "
            "[10, 100]"
        )
    first = check_integer("negatives: ranks", ranks[0], minimum=1)
    check_integer("negatives: ranks: the last", ranks[1], minimum=first + n - 1)


def _check_no_stages(parameters: Mapping[str, Any]) -> None:
    """Refuses a stage before a training, and a look at it, where there is no training."""
    for name in ("pretraining", "curve_every"):
        if parameters.get(name):
            raise ValueError(
                f"{name} is given, but with the strategy 'none' nothing is trained: leave it out"
            )


def _check_pretraining(options: Mapping[str, Any]) -> None:
    """Checks the options of a stage of pre-training."""
    known = ("objective", "whole_words", "sources", *PRETRAINING, *PRETRAINING_COUNTS)
    check_options("pretraining", options, known)
    if options and "steps" not in options:
        raise ValueError("pretraining lacks steps: say how many steps the first stage has")
    check_choice("pretraining: objective", options.get("objective", "masked-lm"), PRETRAININGS)
    check_flag("pretraining: whole_words", options.get("whole_words", False))
    for name, bounds in PRETRAINING.items():
        if name in options and not (name == "embedding_learning_rate" and options[name] is None):
            check_number(f"pretraining: {name}", options[name], **bounds)
    for name in PRETRAINING_COUNTS:
        if name in options:
            check_integer(f"pretraining: {name}", options[name], minimum=1)


def _check_lora(parameters: Mapping[str, Any]) -> None:
    """Checks LoRA's options, where peft is installed, and that the embeddings are left alone."""
    if parameters["lora"] is None:
        return
    classes = (("tuners/lora/config.py", "LoraConfig"), ("config.py", "PeftConfig"))
    known = _fields_of("peft", classes)
    _check_fields("lora", parameters["lora"], known, "peft.LoraConfig")
    if parameters["embedding_learning_rate"] is not None:
        raise ValueError(
            "lora is given, and with it the token embeddings are not trained: set "
            "embedding_learning_rate to null"
        )


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    """Checks that transformers has these arguments, and that nothing else decides them."""
    for name in arguments:
        if name in DECIDED:
            raise ValueError(
                f"arguments has {name}, which the parameter {DECIDED[name]} decides: leave it out"
            )
        if name in FIXED:
            raise ValueError(f"arguments has {name}, which is not yours to set: leave it out")
    if arguments:
        known = _fields_of("transformers", (("training_args.py", "TrainingArguments"),))
        _check_fields("arguments", arguments, known, "transformers.TrainingArguments")


def _check_fields(
    name: str, options: Mapping[str, Any], known: Collection[str], owner: str
) -> None:
    """Checks options against the many fields of another library's class, where they are known."""
    for option in options:
        if known and option not in known:
            close = difflib.get_close_matches(option, known, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"see {owner}"
            raise ValueError(f"{name} has no option {short(option)}; {meant}")


@cache
def _fields_of(package: str, classes: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Returns the fields of dataclasses, read from their source: importing them would load torch.

    Args:
        package: The package.
        classes: Files in it, each with the name of a class.

    Returns:
        The names of the fields; none if the package is missing or looks otherwise.
    """
    found = find_spec(package)
    if found is None or found.origin is None:
        return ()
    names: list[str] = []
    for file, wanted in classes:
        path = Path(found.origin).parent / file
        if not path.exists():
            return ()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name == wanted:
                names += [
                    field.target.id
                    for field in node.body
                    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
                ]
    return tuple(names)
