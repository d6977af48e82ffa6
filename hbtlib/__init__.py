"""hbtlib: hybrid batch training for multilingual dense retrieval. `import hbtlib as hbt` gives a notebook all it needs.
Names are fetched when first used: what needs no torch (ranks, measures, plots, a study's runs) starts at once."""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Not when first used: importing the module later would put it in the place of the function of its name.
from hbtlib.bias import bias, chance_rank_distance, favoured, top_shares

# datasets and transformers bring this line into every executed notebook; our bars are plain ones.
warnings.filterwarnings("ignore", message="IProgress not found")

_HOME = {
    "Benchmark": "data.benchmark", "Pairs": "data.pairs", "catalog": "data.catalog", "load_benchmark": "data.catalog",
    "load_pairs": "data.catalog", "check_disjoint": "data.overlap", "leave_out": "data.overlap", "BatchPlan": "sampler",
    "Encoder": "encoder", "mine_negatives": "negatives", "train": "trainer", "embed": "search", "rank": "search",
    "rank_vectors": "search", "top": "search", "compare": "significance", "compare_pairs": "significance",
    "contrasts": "significance", "units": "significance", "measure": "metrics", "paper_tables": "data.published",
    "summarise": "metrics",
}  # what is not at home here is a module of its own name

__all__ = ["BatchPlan", "Benchmark", "Encoder", "Pairs", "bias", "catalog", "chance_rank_distance", "check_disjoint",
           "compare", "compare_pairs", "contrasts", "embed", "favoured", "languages", "leave_out", "load_benchmark",
           "load_pairs", "losses", "measure", "metrics", "mine_negatives", "objectives", "paper", "paper_tables", "plots",
           "probes", "rank", "rank_vectors", "strategies", "study", "summarise", "top", "top_shares", "train", "trec",
           "units"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"hbtlib.{_HOME[name]}"), name)
    if name in __all__:
        return import_module(f"hbtlib.{name}")
    raise AttributeError(f"hbtlib has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from hbtlib import languages, losses, metrics, objectives, paper, plots, probes, strategies, study, trec
    from hbtlib.data.benchmark import Benchmark
    from hbtlib.data.catalog import catalog, load_benchmark, load_pairs
    from hbtlib.data.overlap import check_disjoint, leave_out
    from hbtlib.data.pairs import Pairs
    from hbtlib.data.published import paper_tables
    from hbtlib.encoder import Encoder
    from hbtlib.metrics import measure, summarise
    from hbtlib.negatives import mine_negatives
    from hbtlib.sampler import BatchPlan
    from hbtlib.search import embed, rank, rank_vectors, top
    from hbtlib.significance import compare, compare_pairs, contrasts, units
    from hbtlib.trainer import train
