"""mMARCO (Bonifacio et al. 2021, arXiv 2108.13897): MS MARCO's passages in thirteen more languages.

Every query and passage of MS MARCO's training set was translated by Google Translate, so all
languages are parallel through the ids. A triple is the id of a query, of a passage that answers it,
and of one that does not; there are 39.8 million (39,780,811 rows in the published study's Table 9,
which trains on en ar zh de es ru hi). The split "validation" is MS MARCO's small dev set: 6,980
queries with the passages that are judged relevant, without negatives.

No text is written twice, and none is held in memory: each language's queries and passages are made
into Arrow files on disk once (some 3 to 8 GB a language; how much is needed, and how much is free,
is said before), the triples into columns of integers. Languages that are finished are kept, so an
interrupted call goes on where it was; later calls take seconds. See `TriplePairs`.

Files: `data/google/collections/LANGUAGE_collection.tsv` (`pid⇥text`),
`data/google/queries/train/LANGUAGE_queries.train.tsv`, `…/dev/LANGUAGE_queries.dev.small.tsv`
(`qid⇥text`), `data/triples.train.ids.small.tsv` (`qid⇥pid⇥pid`), `data/qrels.dev.small.tsv`; or the
same names in one folder. The repository's own loading script reads them so. Texts that are empty
are left out in their language, and counted. The repository's card states Apache-2.0, its LICENSE is
CC BY 4.0, and MS MARCO's own terms are for research. None of the real files was ever read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.formats import text_table, triples
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.kept import check_room
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.given import check_languages
from hbtlib.data.triple_pairs import TriplePairs

FOLDERS = ("mmarco",)
UNICAMP = Hub("unicamp-dl/mmarco", "6d039c4638c0ba3e46a9cb7b498b145e7edc6230")
NAMES = {
    "ar": "arabic",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "hi": "hindi",
    "id": "indonesian",
    "it": "italian",
    "ja": "japanese",
    "nl": "dutch",
    "pt": "portuguese",
    "ru": "russian",
    "vi": "vietnamese",
    "zh": "chinese",
}
LANGUAGES = tuple(NAMES)
PUBLISHED = ("ar", "de", "en", "es", "hi", "ru", "zh")
"""The languages of the published study (arXiv 2408.10536), which are taken if none are named."""
SPLITS = ("train", "validation")
TRIPLES = "data/triples.train.ids.small.tsv"
JUDGEMENTS = "data/qrels.dev.small.tsv"

# Bytes of the collections and of the training queries, as ir_datasets lists them. English is not
# in that list: about as large as MS MARCO's own files.
COLLECTION_BYTES = {
    "ar": 4_664_307_196,
    "de": 3_488_187_566,
    "en": 3_060_000_000,
    "es": 3_571_559_558,
    "fr": 3_656_218_984,
    "hi": 7_649_320_531,
    "id": 3_297_783_371,
    "it": 3_444_092_853,
    "ja": 3_924_982_422,
    "nl": 3_362_632_528,
    "pt": 3_431_011_785,
    "ru": 5_769_514_997,
    "vi": 4_140_054_533,
    "zh": 2_720_255_044,
}
QUERY_BYTES = {
    "ar": 51_869_220,
    "de": 39_404_290,
    "en": 34_000_000,
    "es": 41_464_870,
    "fr": 42_857_975,
    "hi": 82_511_017,
    "id": 36_857_620,
    "it": 39_923_771,
    "ja": 46_027_536,
    "nl": 38_224_557,
    "pt": 39_281_063,
    "ru": 62_396_828,
    "vi": 45_651_702,
    "zh": 31_567_548,
}
TRIPLES_BYTES = 905_211_990


def load_pairs(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    split: str = "train",
    negatives: bool = True,
) -> TriplePairs:
    """Loads mMARCO as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes the seven of the published study.
        split: "train", or "validation" (MS MARCO's small dev set).
        negatives: whether the third passage of a triple is a hard negative of its id.

    Raises:
        DataError: for a language or split it lacks, too little room on the disk, a file that is not
            what it should be, and a triple whose texts are lacking in all languages.
    """
    if split not in SPLITS:
        raise DataError(f"mmarco has no split {split!r}; it has {' and '.join(SPLITS)}")
    wanted = check_languages("mmarco", languages) or PUBLISHED
    chosen = choose_languages("mmarco", wanted, LANGUAGES)
    source = Source("mmarco", local_folder("mmarco", data, FOLDERS), UNICAMP)
    _check_room(source, chosen, split)
    form, file = ("triples", TRIPLES) if split == "train" else ("judgements", JUDGEMENTS)
    ids = triples.read_triples(f"mmarco-{form}", _path(source, file), form)
    queries = {}
    passages = {}
    for code in chosen:
        queries[code] = _texts(source, f"mmarco-{code}-{split}-queries", _queries(code, split))
        passages[code] = _texts(source, f"mmarco-{code}-passages", _collection(code))
    try:
        pairs = TriplePairs("mmarco", ids, queries, passages, negatives=negatives)
    except ValueError as error:
        raise DataError(
            f"{error} (the collections or the queries are cut off, or of another split)"
        ) from None
    _count_lacking(pairs, ids)
    return pairs


def _collection(code: str) -> str:
    return f"data/google/collections/{NAMES[code]}_collection.tsv"


def _queries(code: str, split: str) -> str:
    part = "train" if split == "train" else "dev.small"
    return f"data/google/queries/{part.split('.')[0]}/{NAMES[code]}_queries.{part}.tsv"


def _flat(source: Source, file: str) -> str:
    """The file's path in the folder: as published, or else its bare name."""
    name = file.rpartition("/")[2]
    return name if source.has(name) else file


def _path(source: Source, file: str) -> Path:
    return source.path(_flat(source, file))


def _texts(source: Source, name: str, file: str) -> text_table.TextTable:
    return text_table.text_table(name, _path(source, file))


def _check_room(source: Source, chosen: Sequence[str], split: str) -> None:
    """Says what is to be downloaded and made, and checks that there is room for it.

    Arrow holds a text in as many bytes as the file does, and an id of a triple in four.
    """
    sizes = {_collection(code): COLLECTION_BYTES[code] for code in chosen}
    made = {_collection(code): f"mmarco-{code}-passages" for code in chosen}
    if split == "train":
        sizes |= {_queries(code, split): QUERY_BYTES[code] for code in chosen}
        made |= {_queries(code, split): f"mmarco-{code}-train-queries" for code in chosen}
        sizes[TRIPLES] = TRIPLES_BYTES
    download, arrow = 0, 0
    for file, size in sizes.items():
        if source.folder is None:
            there = UNICAMP.kept(file)
        else:
            there = source.folder / _flat(source, file)
            if not there.is_file():
                continue  # it is refused where it is read
        if there is None:
            download += size
            arrow += size
        elif file == TRIPLES:
            arrow += 0 if triples.is_made("mmarco-triples", there) else there.stat().st_size
        elif not text_table.is_made(made[file], there):
            arrow += there.stat().st_size
    check_room("mmarco", download, arrow)


def _count_lacking(pairs: TriplePairs, ids: triples.Triples) -> None:
    """Counts the texts that the triples name and a language lacks, and says so."""
    for role, tables, known in (
        ("queries", pairs.queries, ids.queries),
        ("passages", pairs.passages, ids.passages),
    ):
        for code, table in tables.items():
            lacking = int((~table.has(known)).sum())
            if lacking:
                pairs.left_out[f"{role} lacking or empty in {code}"] = lacking
    if pairs.left_out:
        said = ", ".join(f"{count:,} {what}" for what, count in pairs.left_out.items())
        print(f"mmarco: {said}; their ids have no such text", flush=True)
