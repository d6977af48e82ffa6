"""WorldFacts: parallel questions and passages about the world's territories, made from CLDR.

Facts come from Unicode CLDR (the `Babel` package; Unicode licence), so they are true as far as CLDR
is. Names, dates, numbers and percentages stand in each language's own form. The sentence patterns
are hand-written (`patterns/LANG.yaml`): two questions and two passages a relation and language,
chosen for each text by a hash, so that the two sides of a pair, and two languages of a fact, need
not share a construction.

A question asks for one relation of one subject and has one fact for its answer (questions CLDR
answers twice are left out). Facts are split by a hash of the question: nothing of a test fact
stands in the training split, in any language.

- `cldr`: the facts that CLDR states.
- `rendering`: a name, date or number as a language writes it.
- `sentences`: the patterns, and the sentences made of them.
- `facts`: the table of all facts in all languages, made once and kept in the cache.

`hbtlib.data.sets.worldfacts` loads it as pairs or as a benchmark.
"""
