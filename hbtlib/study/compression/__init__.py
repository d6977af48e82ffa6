"""The study `compression`: what smaller vectors cost, and whether they raise language bias.

`declared` is what notebooks/studies/declared/compression.yaml says, `measured` measures one encoder
on one benchmark, `rows` keeps small tables in `results/compression/NAME/` and puts them together.
Beside this package, `compression_page` writes the page of the docs, and `compression_command` is
what `make compression` calls.
"""
