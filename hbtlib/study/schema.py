"""The parameters of every notebook: what each is, what it may be, and its default.

This is the one place where they are documented: messages about a wrong value and the page
docs/guide/parameters.md come from here. A notebook's own cell `parameters` has the same names and
defaults, which a test compares; where somebody changes the cell, the cell counts.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from hbtlib.checks import check_choice, short
from hbtlib.study import values as kinds
from hbtlib.study.values import Must


class Parameters(BaseModel):
    """The parameters of a notebook. A value is taken as it is given or refused, never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Quickstart(Parameters):
    """Trains for a minute and shows what came of it."""

    languages: kinds.Languages = Field("de en es", description="the languages trained on")
    evaluated: kinds.Languages = Field("de en es fr", description="the languages measured")
    strategy: kinds.Strategy = Field("hybrid", description="which languages meet in a batch")
    steps: kinds.Count = Field(60, description="optimiser steps, one batch each")
    batch_size: kinds.Count = Field(64, description="pairs a batch")
    seed: kinds.Seed = Field(1, description="of the batches and of all else that is random")
    folder: kinds.Text | None = Field(
        None, description="for the model and the training log; None: a temporary folder"
    )


class Data(Parameters):
    """Shows the texts that are trained on."""

    name: kinds.DataSet = Field("worldfacts", description="the dataset that is looked at")
    languages: kinds.Languages = Field(
        "ar de el en es hi ru th tr vi zh", description="the languages to look at"
    )
    trained: kinds.Languages = Field(
        "ar de en es hi ru th tr zh", description="those of them that strategies train on"
    )
    examples: kinds.Count = Field(4, description="how many questions to show")
    sets: kinds.DataSets = Field(
        "", description='the datasets that are shown side by side; "": all that are at hand'
    )
    texts: kinds.Count = Field(
        200, description="how many texts of each dataset, language and role are measured"
    )
    compared: kinds.Count = Field(
        500, description="how many ids of each dataset are compared with each benchmark"
    )
    study: kinds.Name = Field(
        "worldfacts", description="the study whose folder of figures the pictures go to"
    )


class OfStudy(Parameters):
    """What every notebook that reads a study takes."""

    study: kinds.Name = Field("worldfacts", description="a study of notebooks/studies/")
    benchmark: kinds.NameOrEmpty = Field(
        "", description='one of the benchmarks its runs are evaluated on; "": the first'
    )


class Benchmark(OfStudy):
    """Shows what a study is evaluated on."""

    languages: kinds.Languages | None = Field(
        None, description="the languages to look at; None: those its runs are evaluated on"
    )


class Train(Parameters):
    """Trains an encoder, ranks with it, and measures the ranks: one run of a study."""

    strategy: kinds.StrategyOrNone = Field(
        "hybrid", description='which languages meet in a batch; "none": the encoder as it is'
    )
    alpha: kinds.Alpha = Field(0.5, description="hybrid: the share of x-x-mono")
    mix: Literal["batch", "pair"] = Field(
        "batch", description="hybrid draws the kind of a whole batch, or of every pair"
    )
    seed: kinds.Seed = Field(0, description="of the batches and of all else that is random")
    encoder: kinds.Text = Field(
        "small",
        description='a folder or the name of a model on the hub; "small": WorldFacts\' own; '
        '"minilm" and "me5-small": all-MiniLM-L6-v2 and multilingual-e5-small from packages',
    )
    encoder_options: kinds.Options = Field({}, description="more for `hbt.Encoder.load`")
    max_length: kinds.Tokens | None = Field(
        None, description="tokens that a text is cut to; None: the encoder's own"
    )
    pairs: kinds.PairsSets = Field("worldfacts", description="what is trained on")
    languages: kinds.Languages = Field(
        "ar de en es hi ru th tr zh", description="the languages trained on"
    )
    pairs_options: kinds.Options = Field(
        {},
        description="more for the loader of the pairs; for several: name → its options. "
        "`shares`, language → share, thins languages out (`hbt.thin_out`)",
    )
    ids: kinds.Count | None = Field(
        None, description="how many of the pairs are drawn as a sample; None: all"
    )
    overlap: Literal["refuse", "leave out"] = Field(
        "refuse",
        description="what is done with pairs that hold what is evaluated on: the training is "
        "refused, or these pairs are left out",
    )
    benchmark: kinds.Benchmarks = Field("worldfacts", description="what is evaluated on")
    evaluated: kinds.Languages | None = Field(
        None, description="the languages evaluated on; None: the benchmark's usual ones"
    )
    benchmark_options: kinds.Options = Field(
        {},
        description="more for the loaders of the benchmarks; under a benchmark's name, its own",
    )
    split: kinds.Name | None = Field(
        None, description="the split of the benchmark; None: the usual one"
    )
    batch_size: kinds.Count = Field(96, description="pairs a batch")
    steps: kinds.Count = Field(400, description="optimiser steps, one batch each")
    learning_rate: kinds.Rate = Field(
        4e-3, description="the highest learning rate; 3e-5 is usual for a pre-trained encoder"
    )
    embedding_learning_rate: kinds.RateOrZero | None = Field(
        1e-2, description="that of the token embeddings; None: the same as the rest"
    )
    weight_decay: kinds.RateOrZero = Field(1e-2, description="AdamW's weight decay")
    warmup: kinds.Share = Field(
        0.1, description="the share of the steps in which the learning rate rises"
    )
    temperature: kinds.Temperature = Field(
        0.05, description="divides the scores of the loss (InfoNCE)"
    )
    objective: kinds.Text = Field(
        "info-nce", description="the loss, a name of `hbt.objectives.OBJECTIVES`"
    )
    objective_options: kinds.Options | None = Field({}, description="options of the objective")
    negatives: kinds.Options | None = Field(
        {}, description="options of `hbt.mine_negatives`, before the training; {}: no negatives"
    )
    pretraining: kinds.Options = Field(
        {},
        description="a stage before the training: options of `hbt.pretrain` (those not named are "
        "as in the training); {}: none",
    )
    validation: kinds.Validation = Field(
        "x-x-mono",
        description="what chooses the weights that are kept: the loss on batches of a strategy, or "
        'a metric of the validation split in a setting ("mAP multilingual")',
    )
    evaluate_every: kinds.Count | None = Field(
        40,
        description="steps from one validation and checkpoint to the next; None: a twentieth of "
        "the steps",
    )
    patience: kinds.Count | None = Field(
        None, description="stop after so many validations without a better one; None: never"
    )
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        "fp32", description="of training and of embedding"
    )
    chunk_tokens: kinds.Count | None = Field(
        None,
        description="gradient caching: tokens in memory at a time; None: the whole batch",
    )
    lora: kinds.Options | None = Field(
        None, description="options of peft.LoraConfig; None: all weights are trained"
    )
    arguments: kinds.Options | None = Field(
        {}, description="more for transformers.TrainingArguments"
    )
    top: kinds.Whole = Field(
        10, description="passages kept of each query, in the pool of all languages; 0: none"
    )
    question_metrics: kinds.Metrics = Field(
        "mAP rank-distance", description="the scores that are kept of each question"
    )
    curve_every: kinds.Count | None = Field(
        None,
        description="steps between two measurements of every setting while it trains; None: none",
    )
    probes: kinds.Probes = Field(
        "mean 1 2",
        description="the control without training: language means and so many components removed",
    )
    study: kinds.Name = Field(
        "by-hand", description="the folder of results/ that the run folder goes to"
    )
    folder: kinds.ProjectFolder | None = Field(
        None, description="where the engine has the run written; None: beside its place"
    )


class Evaluate(OfStudy):
    """Looks at one run."""

    run: kinds.NameOrEmpty = Field(
        "", description='one of its runs; "": the first of the study\'s last arm'
    )
    metric: kinds.Metric = Field("mAP", description="what the heatmap shows")


class Results(OfStudy):
    """Compares the arms of a study."""

    metric: kinds.Metric = Field("mAP", description="what the pictures show")
    subject: kinds.Text = Field("hybrid", description="the arm that is set against the others")
    feature: Literal["family", "script", "word_order", "resources"] = Field(
        "script", description="what languages are grouped by"
    )


class Significance(OfStudy):
    """Tells differences between arms from chance."""

    metric: kinds.Metric = Field("mAP", description="what is compared")
    subject: kinds.Text = Field("hybrid", description="the arm that is set against the others")


class CostAndControls(OfStudy):
    """What the arms cost, and what the encoder knows of language."""


class Bias(OfStudy):
    """Which languages a run prefers."""


class Factorial(OfStudy):
    """Takes the hybrid's two ingredients apart."""

    study: kinds.Name = Field(
        "factorial", description="a study of notebooks/studies/ with the arms of the 2 × 2"
    )
    metric: kinds.Metric = Field("mAP", description="what is compared: mAP or rank-distance")


class Paper(OfStudy):
    """Sets a study beside the published tables."""


class Translate(Parameters):
    """Adds languages to training pairs by machine translation."""

    pairs: kinds.Pairs = Field("worldfacts", description="what is translated")
    pairs_options: kinds.Options = Field({}, description="more for the loader of the pairs")
    languages: kinds.Languages = Field("en", description="the languages of the pairs to keep")
    ids: kinds.Count | None = Field(
        20, description="how many of the pairs are drawn as a sample; None: all"
    )
    seed: kinds.Seed = Field(0, description="of this draw")
    into: kinds.Languages = Field("de sw ar", description="the languages to translate into")
    source: kinds.Name | None = Field(
        None, description="the language to translate from; None: English where there is some"
    )
    model: kinds.Text = Field(
        "random",
        description="a folder or the name of a translation model on the hub; "
        '"random": a tiny one that knows no language',
    )
    model_options: kinds.Options = Field(
        {}, description="more for `hbt.Translator.load`: revision, precision, beams, …"
    )
    processes: kinds.Count = Field(1, description="how many processes translate")
    shard: kinds.Count = Field(1000, description="texts a shard; what is whole is not made again")
    benchmark: kinds.Benchmarks = Field(
        "worldfacts", description="what will be evaluated on, which is never translated"
    )
    benchmark_options: kinds.Options = Field(
        {}, description="more for the loaders of the benchmarks"
    )
    examples: kinds.Count = Field(3, description="how many pairs to show of each language")
    folder: kinds.Text | None = Field(
        None, description="where shards are kept, to go on after an interruption; None: nowhere"
    )
    output: kinds.Text | None = Field(
        None, description="the folder the pairs are saved in, for `datasets`; None: nowhere"
    )


class TradeOff(OfStudy):
    """Sets what training gives beside what a map gives without training."""

    subject: kinds.Text = Field("hybrid", description="the arm that is set against the others")
    beside: kinds.Names = Field(
        "worldfacts xquad-zero-shot",
        description="further studies whose runs are drawn beside, as far as they are there",
    )


class OnTop(OfStudy):
    """Shows how to train on top of the language-neutral map."""

    study: kinds.Name = Field(
        "multilingual-recipe", description="a study of notebooks/studies/ with these ways"
    )
    chosen_by: kinds.Name = Field(
        "belebele-flores20", description="the benchmark that the default is chosen by"
    )


class Scaling(Parameters):
    """Shows how scores and differences change with the size of the encoder."""

    study: kinds.Name = Field(
        "scaling", description="a study of notebooks/studies/ over the sizes of an encoder"
    )
    beside: kinds.NameOrEmpty = Field(
        "scaling-pretrained",
        description='a study whose runs are drawn beside and not fitted; "": none',
    )
    instead: kinds.NameOrEmpty = Field(
        "scaling-last",
        description="a study whose arms the differences are told with, too, in place of those of "
        'the same names; "": none',
    )
    metric: kinds.Metric = Field("mAP@10", description="what the pictures show: mAP@10 or R@50")


class Pretraining(OfStudy):
    """Sets mixing batches beside stages of pre-training."""

    study: kinds.Name = Field(
        "pretraining", description="a study of notebooks/studies/ with a curve of every run"
    )
    subject: kinds.Text = Field("hybrid", description="the arm that is set against the others")


class Typology(Parameters):
    """Shows which kinds of languages gain from one arm against another."""

    study: kinds.Name = Field(
        "typology", description="a study of notebooks/studies/, in languages of many families"
    )
    metric: kinds.Metric = Field("mAP", description="what is compared")
    subject: kinds.Text = Field("hybrid", description="the arm that is set against the other")
    other: kinds.Text = Field(
        "x-x", description="the arm that is contrastive multilingual fine-tuning"
    )


class Mtop(Parameters):
    """Compares the arms of a study on utterances of the same intent, and of the same domain."""

    study: kinds.Name = Field(
        "mtop", description="a study of notebooks/studies/, on mtop and mtop-domain"
    )
    intents: kinds.Name = Field(
        "mtop", description="its benchmark in which utterances of the same intent are relevant"
    )
    domains: kinds.Name = Field(
        "mtop-domain", description="that in which utterances of the same domain are relevant"
    )
    metric: kinds.Metric = Field(
        "MRR@10", description="what is compared, a metric of the study's family"
    )
    subject: kinds.Text = Field("hybrid", description="the arm that is set against the others")


class LowResource(OfStudy):
    """Shows which batches and objectives serve languages that are scarce in the training data."""

    study: kinds.Name = Field(
        "low-resource", description="a study of notebooks/studies/ with less and less of a language"
    )
    pretrained: kinds.NameOrEmpty = Field(
        "low-resource-pretrained",
        description='a study on encoders that were trained before, shown if its runs are there; "":'
        " none",
    )


class Encoders(Parameters):
    """Shows the table of language bias: every encoder, as it is and after one linear map."""

    encoder: kinds.Name = Field(
        "me5-small",
        description="the encoder whose heatmaps are drawn, a folder of results/encoders",
    )
    benchmark: kinds.Name = Field("xquad-r", description="the benchmark they are of")


class LanguageNeutral(Parameters):
    """Takes language out of an encoder by one linear map, and shows what that does."""

    encoder: kinds.Text = Field(
        "me5-small",
        description="a folder, the name of a model on the hub or of a package, or module:function",
    )
    encoder_options: kinds.Options = Field({}, description="more for the encoder's loader")
    texts: kinds.Text = Field(
        "worldfacts",
        description="what the map is fitted on: one or several training pairs of hbt.catalog(), "
        "whose passages and queries are taken, or folders with a file CODE.txt for each language, "
        "separated by blanks",
    )
    texts_options: kinds.Options = Field(
        {"languages": ["de", "en", "hi"]}, description="more for the loaders of these pairs"
    )
    count: kinds.Count = Field(
        60, description="how many ids or lines of each of them, the first ones"
    )
    method: kinds.MapMethod = Field(
        "translations",
        description='"translations" needs parallel texts, "leace" and "means" do not',
    )
    role: kinds.MapRole = Field("both", description="as what the texts are embedded")
    directions: kinds.Count | None = Field(
        None, description='for "means": how many are projected out; None: all it can'
    )
    ridge: kinds.Rate = Field(0.5, description='for "translations": how much is left alone')
    centre: kinds.ShareOrAll = Field(
        0.75, description="the share of the mean of all vectors that is taken out besides"
    )
    held_out: kinds.Pairs = Field(
        "worldfacts", description="pairs on which the settings of the map are compared"
    )
    held_out_options: kinds.Options = Field(
        {"languages": ["de", "en", "hi"]}, description="more for their loader"
    )
    held_out_ids: kinds.Count = Field(60, description="how many of them, a sample")
    benchmark: kinds.Benchmarks = Field("worldfacts", description="what the map is tried on")
    benchmark_options: kinds.Options = Field(
        {"split": "validation", "languages": ["de", "en", "hi", "sw"]},
        description="more for the benchmark's loader",
    )
    output: kinds.Text | None = Field(
        None,
        description="the folder that the encoder (model/), tables and pictures are kept in; "
        "None: nowhere",
    )


class Explore(OfStudy):
    """Shows what stands behind a study's numbers, for people to look at."""

    study: kinds.Name = Field(
        "worldfacts", description="a study of notebooks/studies/ whose runs kept their ranks"
    )
    arms: kinds.TextOrEmpty = Field(
        "", description='two of its arms, separated by a comma; "": its first and its last'
    )
    live: bool = Field(
        True, description="whether there are controls; False: pictures alone, as on a web page"
    )


class Compression(Parameters):
    """Shows what smaller vectors cost, by pair of languages, and whether they raise bias."""

    encoder: kinds.Name = Field(
        "me5-small",
        description="the encoder whose heatmaps are drawn, a folder of results/compression",
    )
    benchmark: kinds.Name = Field("xquad-r", description="the benchmark that is shown")
    after: Literal["as it is", "centre alone", "translations"] = Field(
        "as it is", description="the map after which heatmaps are drawn"
    )


SCHEMAS: dict[str, type[Parameters]] = {
    "quickstart": Quickstart,
    "data": Data,
    "benchmark": Benchmark,
    "train": Train,
    "evaluate": Evaluate,
    "results": Results,
    "significance": Significance,
    "cost-and-controls": CostAndControls,
    "bias": Bias,
    "factorial": Factorial,
    "paper": Paper,
    "translate": Translate,
    "encoders": Encoders,
    "language-neutral": LanguageNeutral,
    "compression": Compression,
    "trade-off": TradeOff,
    "on-top": OnTop,
    "scaling": Scaling,
    "typology": Typology,
    "low-resource": LowResource,
    "mtop": Mtop,
    "pretraining": Pretraining,
    "explore": Explore,
}
"""The schema of each notebook, by its name without its number."""


def schema_of(notebook: str, defaults: Mapping[str, Any]) -> type[Parameters]:
    """Returns the schema of a notebook, with the parameters that somebody added to its cell.

    Args:
        notebook: Its name without its number.
        defaults: What stands in its cell `parameters`. A parameter that has no schema may have
            values of its default's type.

    Returns:
        The schema.
    """
    known = SCHEMAS.get(notebook, Parameters).model_fields
    added = tuple((name, type(value)) for name, value in defaults.items() if name not in known)
    return _with(notebook, added)


@cache
def _with(notebook: str, added: tuple[tuple[str, type], ...]) -> type[Parameters]:
    """Returns the schema of a notebook with further parameters of these types."""
    base = SCHEMAS.get(notebook, Parameters)
    if not added:
        return base
    fields: dict[str, Any] = {
        name: (Any if kind is NoneType else kind | None, None) for name, kind in added
    }
    return create_model(base.__name__, __base__=base, **fields)


def problem(schema: type[Parameters], given: Mapping[str, Any]) -> tuple[str, str] | None:
    """Finds the first wrong value among parameters; those that are not given are not looked at.

    Args:
        schema: The schema of the notebook.
        given: The parameters; their names must be the schema's.

    Returns:
        The parameter's name and a sentence, or None if all is well.
    """
    try:
        schema.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        sentence = _sentence(name, given[name], schema.model_fields[name], first)
        return name, " ".join(sentence.splitlines())  # a table is shown in several lines
    return None


def _sentence(name: str, value: object, field: FieldInfo, error: Mapping[str, Any]) -> str:
    """Says what is wrong with a value: its own validator's words, or what it must be."""
    text = number_as_text(name, value)
    if text and _takes_number(field.annotation):
        return text
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    choices = _choices(field.annotation)
    if choices:
        try:
            check_choice(name, value, choices)
        except ValueError as better:
            return str(better)
    return f"{name} is {short(value)}; it must be {must(field)}"


def number_as_text(name: str, value: object) -> str | None:
    """Explains a number with an exponent that YAML read as a text.

    Args:
        name: What the value is called.
        value: The value.

    Returns:
        A sentence, or None if the value is no such text.
    """
    if not isinstance(value, str) or not re.fullmatch(_EXPONENT, value, re.ASCII):
        return None
    return (
        f"{name} is the text {short(value)}, because YAML reads a number with an exponent only if "
        f"it has a point and a sign: write {float(value):.1e}"
    )


_EXPONENT = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]{1,3}"


def _takes_number(annotation: Any) -> bool:
    """Tells whether a parameter may be a number."""
    return annotation in (int, float, Any) or any(map(_takes_number, get_args(annotation)))


def _choices(annotation: Any) -> tuple[str, ...]:
    """Returns the words of a parameter that is one of several, else none."""
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def must(field: FieldInfo) -> str:
    """Returns what a parameter must be, in words.

    Args:
        field: The parameter, from the schema.

    Returns:
        Words such as `a whole number from 1 up, or None`.
    """
    return _must(field.annotation, field.metadata)


def _must(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Returns in words what a value of this type must be."""
    for part in metadata:
        if isinstance(part, Must):
            return part.words
    if get_origin(annotation) is Annotated:
        inner, *about = get_args(annotation)
        return _must(inner, about)
    if get_origin(annotation) in (Union, UnionType):
        return ", or ".join(_must(part) for part in get_args(annotation))
    if get_origin(annotation) is Literal:
        return " or ".join(f'"{word}"' for word in get_args(annotation))
    return _KINDS.get(annotation, "another value")


_KINDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "True or False",
    dict: "a mapping of options to values",
    list: "a list",
    NoneType: "None",
}
"""The words for types of parameters that somebody added to a notebook, without a schema."""
