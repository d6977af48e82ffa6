"""What is trained on and evaluated on.

`pairs` holds training texts, `benchmark` holds evaluation tables, `catalog` lists and loads the
datasets, and `overlap` finds training texts that a benchmark asks about. `sets` has one file a
dataset, `formats` reads files, and `worldfacts` makes the dataset that needs no download.
"""
