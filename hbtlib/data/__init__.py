"""What is trained on and evaluated on.

`pairs` holds training texts, `benchmark` holds evaluation tables, `catalog` lists and loads the
data sets, and `overlap` finds training texts that a benchmark asks about. `sets` has one file a
data set, `formats` reads files, and `worldfacts` makes the data set that needs no download.
"""
