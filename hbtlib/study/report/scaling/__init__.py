"""Tables and sentences of 17-scaling: does hybrid keep its edge as encoders grow?

One file for each part of the notebook, in its order: `encoders`, `settings` (the scores), `curves`
(the laws), `foretold`, `mixing`, `differences` (the tests and the answer), `larger`.
"""

from hbtlib.evaluation.suites import METRICS
from hbtlib.study.report.scaling.curves import (
    curves_says,
    edges,
    extrapolated,
    extrapolated_shown,
    laws,
    points,
)
from hbtlib.study.report.scaling.differences import (
    answer,
    effects,
    effects_beside,
    effects_beside_says,
    effects_instead,
    effects_instead_says,
    effects_says,
    effects_shown,
    largest_differences,
    tested,
)
from hbtlib.study.report.scaling.encoders import (
    SHAPES,
    parameters_of,
    shape_of,
    sizes,
    sizes_shown,
)
from hbtlib.study.report.scaling.foretold import held_out, held_out_says
from hbtlib.study.report.scaling.larger import resources, resources_says, resources_shown
from hbtlib.study.report.scaling.mixing import degrees, degrees_says
from hbtlib.study.report.scaling.settings import (
    beside,
    questions,
    questions_instead,
    scores,
    scores_says,
    scores_shown,
    study_says,
)

__all__ = [
    "METRICS",
    "SHAPES",
    "answer",
    "beside",
    "curves_says",
    "degrees",
    "degrees_says",
    "edges",
    "effects",
    "effects_beside",
    "effects_beside_says",
    "effects_instead",
    "effects_instead_says",
    "effects_says",
    "effects_shown",
    "extrapolated",
    "extrapolated_shown",
    "held_out",
    "held_out_says",
    "largest_differences",
    "laws",
    "parameters_of",
    "points",
    "questions",
    "questions_instead",
    "resources",
    "resources_says",
    "resources_shown",
    "scores",
    "scores_says",
    "scores_shown",
    "shape_of",
    "sizes",
    "sizes_shown",
    "study_says",
    "tested",
]
