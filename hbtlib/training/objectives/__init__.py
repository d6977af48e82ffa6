"""What a batch is trained for: InfoNCE, and the methods that hybrid batches are compared with.

An objective says which texts of a batch it needs besides its pairs, and puts their vectors' loss
together (`hbtlib.training.losses`). To add one, write a class that inherits from `InfoNCE` in a
file of its own, and give it a line in `OBJECTIVES`.
"""

from hbtlib.training.objectives.adversarial import Adversarial
from hbtlib.training.objectives.clear import Clear
from hbtlib.training.objectives.code_switch import CodeSwitch
from hbtlib.training.objectives.info_nce import (
    COMMON,
    Extra,
    InfoNCE,
    Inputs,
    Options,
    Vectors,
)
from hbtlib.training.objectives.lancer import Lancer
from hbtlib.training.objectives.one_to_k import OneToK
from hbtlib.training.objectives.semantic_language import SemanticLanguage

__all__ = [
    "COMMON",
    "OBJECTIVES",
    "Adversarial",
    "Clear",
    "CodeSwitch",
    "Extra",
    "InfoNCE",
    "Inputs",
    "Lancer",
    "OneToK",
    "Options",
    "SemanticLanguage",
    "Vectors",
]

OBJECTIVES: dict[str, type[InfoNCE]] = {
    "info-nce": InfoNCE,
    "adversarial": Adversarial,
    "one-to-k": OneToK,
    "semantic-language": SemanticLanguage,
    "lancer": Lancer,
    "clear": Clear,
    "code-switch": CodeSwitch,
}
"""The objectives by the name that `train(objective=…)` takes."""
