"""Is a difference between runs real? Paired tests whose unit is the question, or something larger.

A question is asked in many languages, and its translations are hard or easy together. Taken as
independent they would make chance look like proof, so everything here is first averaged over a
question's languages. Questions of one paragraph or one pattern are alike too: `unit` takes all of
them as one, and `units` knows them for some benchmarks.

There are two ways in which a difference may be chance, and the functions keep them apart:

- **Other questions.** These trained models might do as well as each other on other questions. The p
  values of `compare`, `compare_pairs` and `contrasts` answer that, and so does the interval of
  `compare` and `contrasts` if there is one seed. They say nothing about training the models again.
- **Another training.** Models trained again with another seed might turn out otherwise. Only the
  interval of `compare` and `contrasts` over several seeds answers that (and other questions too).

A difference of methods is therefore to be believed where `p_holm` is small and the interval over
several seeds does not contain 0.
"""

from hbtlib.evaluation.compare import compare, compare_pairs
from hbtlib.evaluation.contrasts import contrasts
from hbtlib.evaluation.holm import holm
from hbtlib.evaluation.resampling import sign_flip
from hbtlib.evaluation.units import Unit, units

__all__ = ["Unit", "compare", "compare_pairs", "contrasts", "holm", "sign_flip", "units"]
