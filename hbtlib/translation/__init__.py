"""Training pairs by machine translation.

`translate` adds languages to pairs, `translator` holds the model, `codes` finds what a model calls
a language, `failures` says which translations are not used and why, and `shards` keeps on disk what
was translated.
"""
