"""One file a dataset.

Each module has:

- `LANGUAGES`: the languages it has, by the codes that `languages=` takes;
- `FOLDERS`: the names its folder may have in `HBT_DATA`, empty if it needs no folder there;
- `load_benchmark(data=None, *, languages=…, …)`, `load_pairs(data=None, *, …)`, or both. Without
  `load_pairs` the pairs are the benchmark's questions with their relevant passages.

A new dataset is a new module here, and one entry of the table in `hbtlib.data.catalog`.
"""
