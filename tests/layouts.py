"""Small datasets in the layouts in which the real ones are published, for tests to read back.

There are two paragraphs of three sentences with two questions each, parallel in English and German.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
SENTENCES = {
    "en": [
        ["The river rises in the north. ", "It is long. ", "Fish live in it."],
        ["The tower was built in 1900. ", "It burned down. ", "It stands again."],
    ],
    "de": [
        ["Der Fluss entspringt im Norden. ", "Er ist lang. ", "Fische leben in ihm."],
        ["Der Turm wurde 1900 gebaut. ", "Er brannte ab. ", "Er steht wieder."],
    ],
}
ASKED = {
    "en": [
        ["Where does it rise?", "What lives there?"],
        ["When was it built?", "What happened to it?"],
    ],
    "de": [
        ["Wo entspringt er?", "Was lebt dort?"],
        ["Wann wurde er gebaut?", "Was geschah mit ihm?"],
    ],
}
ANSWERED_BY = [[0, 2], [0, 1]]  # the sentence of each paragraph's questions


def questions(language: str) -> list[Row]:
    """The questions as the rows of the hub's parquet files."""
    rows = []
    for p, sentences in enumerate(SENTENCES[language]):
        for q, asked in enumerate(ASKED[language][p]):
            said = sentences[ANSWERED_BY[p][q]].strip()
            start = "".join(sentences).index(said)
            rows.append(
                {
                    "id": f"q{p}{q}",
                    "title": f"Title {p}",
                    "context": "".join(sentences),
                    "question": asked,
                    "answers": {"text": [said[-8:]], "answer_start": [start + len(said) - 8]},
                }
            )
    return rows


def squad(language: str, *, breaks: bool) -> Row:
    """A SQuAD file's content; with LAReQA's sentences and breaks if asked for."""
    paragraphs = []
    for sentences in SENTENCES[language]:
        context = "".join(sentences)
        own = [row for row in questions(language) if row["context"] == context]
        qas = [
            {
                "id": row["id"],
                "question": row["question"],
                "answers": [
                    {
                        "text": row["answers"]["text"][0],
                        "answer_start": row["answers"]["answer_start"][0],
                    }
                ],
            }
            for row in own
        ]
        spans = [[context.index(s), context.index(s) + len(s)] for s in sentences]
        more = {"sentences": sentences, "sentence_breaks": spans} if breaks else {}
        paragraphs.append({"context": context, "qas": qas, **more})
    return {
        "version": 1.0,
        "data": [
            {"title": "River", "paragraphs": paragraphs[:1]},
            {"title": "Tower", "paragraphs": paragraphs[1:]},
        ],
    }


def put(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode() if isinstance(content, str) else content
    file.write_bytes(gzip.compress(raw) if file.suffix == ".gz" else raw)


def put_json(file: Path, content: Any) -> None:
    put(file, json.dumps(content, ensure_ascii=False))


def put_jsonl(file: Path, rows: Sequence[Row]) -> None:
    put(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def put_parquet(file: Path, rows: Sequence[Row]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), file)


def xquad_r(folder: Path) -> None:
    for language in SENTENCES:
        put_json(folder / f"{language}.json", squad(language, breaks=True))


def mlqa_dev(folder: Path) -> None:
    for language in SENTENCES:
        put_json(
            folder / f"dev-context-{language}-question-{language}.json",
            squad(language, breaks=False),
        )


def xtreme(folder: Path) -> None:
    for language in SENTENCES:
        put_parquet(
            folder / f"MLQA.{language}.{language}" / "validation-00000-of-00001.parquet",
            questions(language),
        )


def xquad_hub(folder: Path) -> None:
    for language in SENTENCES:
        put_parquet(
            folder / f"xquad.{language}" / "validation-00000-of-00001.parquet", questions(language)
        )


def tydiqa_hub(folder: Path) -> None:
    names = {"en": "english", "de": "finnish"}  # TyDiQA has no German
    rows = [
        {**row, "id": f"{names[language]}-{row['id']}"}
        for language in SENTENCES
        for row in questions(language)
    ]
    put_parquet(folder / "secondary_task" / "validation-00000-of-00001.parquet", rows)


def tydiqa_json(folder: Path) -> None:
    for language, name in (("en", "en"), ("de", "fi")):
        content = squad(language, breaks=False)
        for article in content["data"]:
            for qa in article["paragraphs"][0]["qas"]:
                # Blank, as in the data for this project.
                qa["answers"] = [{"text": "", "answer_start": 0}]
        put_json(folder / f"tydiqa.goldp.{name}.dev.json", content)


def belebele_rows(language: str, variant: str) -> list[Row]:
    return [
        {
            "link": f"link{p}",
            "question_number": q + 1,
            "flores_passage": "".join(SENTENCES[language][p]),
            "question": asked,
            "mc_answer1": "a",
            "mc_answer2": "b",
            "mc_answer3": "c",
            "mc_answer4": "d",
            "correct_answer_num": "1",
            "dialect": variant,
            "ds": "2023-05-03",
        }
        for p, both in enumerate(ASKED[language])
        for q, asked in enumerate(both)
    ]


def belebele(folder: Path) -> None:
    for language, variant in (("en", "eng_Latn"), ("de", "deu_Latn")):
        put_parquet(
            folder / variant / "test-00000-of-00001.parquet", belebele_rows(language, variant)
        )


def belebele_own(folder: Path) -> None:
    for language, variant in (("en", "eng_Latn"), ("de", "deu_Latn")):
        put_jsonl(folder / f"{variant}.jsonl", belebele_rows(language, variant))


def miracl(folder: Path, language: str = "sw") -> None:
    put(
        folder / f"miracl-v1.0-{language}" / "topics" / f"topics.miracl-v1.0-{language}-dev.tsv",
        "7\tMto uko wapi?\n9\tMnara?\n",
    )
    put(
        folder / f"miracl-v1.0-{language}" / "qrels" / f"qrels.miracl-v1.0-{language}-dev.tsv",
        "7 Q0 1#0 1\n7 Q0 1#1 1\n7\tQ0\t2#0\t0\n9\tQ0\t2#0\t1\n",
    )
    put_jsonl(
        folder / f"miracl-corpus-v1.0-{language}" / "docs-0.jsonl.gz",
        [
            {"docid": "1#0", "title": "Mto", "text": "Mto ni mrefu."},
            {"docid": "1#1", "title": "Mto", "text": "Una samaki."},
            {"docid": "2#0", "title": "", "text": "Mnara ulijengwa."},
            {"docid": "3#0", "title": "Mji", "text": "Ni mji."},
        ],
    )


def miracl_hard(folder: Path, language: str = "sw") -> None:
    put_parquet(
        folder / f"{language}-queries" / "dev-00000-of-00001.parquet",
        [{"_id": "7", "text": "Mto uko wapi?"}, {"_id": "9", "text": "Mnara?"}],
    )
    put_parquet(
        folder / f"{language}-qrels" / "dev-00000-of-00001.parquet",
        [
            {"query-id": q, "corpus-id": p, "score": s}
            for q, p, s in (("7", "1#0", 1), ("7", "2#0", 0), ("9", "2#0", 1))
        ],
    )
    for shard, rows in enumerate(
        (
            [{"_id": "1#0", "title": "Mto", "text": "Mto ni mrefu."}],
            [
                {"_id": "2#0", "title": "", "text": "Mnara."},
                {"_id": "3#0", "title": None, "text": "Mji."},
            ],
        )
    ):
        put_parquet(folder / f"{language}-corpus" / f"dev-0000{shard}-of-00002.parquet", rows)


def mtop(folder: Path) -> None:
    texts = {
        "en": ["wake me at six", "play jazz", "set an alarm", "stop the music"],
        "de": ["weck mich um sechs", "spiel Jazz", "stell einen Wecker", "stopp die Musik"],
    }
    for language, utterances in texts.items():
        rows = [
            {
                "id": i,
                "text": text,
                "label": i % 2,
                "label_text": ("CREATE_ALARM", "PLAY_MUSIC")[i % 2],
            }
            for i, text in enumerate(utterances)
        ]
        put_parquet(folder / language / "test-00000-of-00001.parquet", rows)
        put_parquet(
            folder / language / "validation-00000-of-00001.parquet",
            [
                {"id": 0, "text": f"{utterances[0]} !", "label": 0, "label_text": "CREATE_ALARM"},
                {"id": 1, "text": f"{utterances[1]} !", "label": 1, "label_text": "PLAY_MUSIC"},
                {"id": 2, "text": f"{utterances[1]} ?", "label": 2, "label_text": "SEND_MESSAGE"},
            ],
        )


def mtop_parallel(folder: Path) -> None:
    texts = {
        "test": [
            ("wake me at six", "weck mich um sechs"),
            ("play jazz", "spiel Jazz"),
            ("set an alarm", "stell einen Wecker"),
            ("stop the music", "stopp die Musik"),
        ],
        "validation": [
            ("wake me !", "weck mich !"),
            ("play blues !", "spiel Blues !"),
            ("call me", "ruf mich an"),
        ],
    }
    intents = ("CREATE_ALARM", "PLAY_MUSIC")
    rows = [
        {
            "id": i,
            "split": split,
            "text": {"en": english, "de": german},
            "intent": "CREATE_CALL" if english == "call me" else intents[i % 2],
            "domain": "calling" if english == "call me" else "home",
        }
        for split, forms in texts.items()
        for i, (english, german) in enumerate(forms)
    ]
    for row in rows[4:]:
        row["id"] = f"v{row['id']}"
    put_jsonl(folder / "mtop.jsonl", rows)


def mtop_own(folder: Path) -> None:
    """MTOP's own files: eight columns without a header; an id may lack a translation."""
    split = ("IN:CREATE_ALARM", "IN:PLAY_MUSIC")
    texts = {
        "en": ["wake me", "jazz", "set an alarm", "blues", "at six", "rock", "at ten", "pop"],
        "de": ["weck mich", "Jazz bitte", "stell den Wecker", "Blues bitte", "um sechs", "Rock!"],
    }
    for language, utterances in texts.items():
        for name in ("train", "eval", "test"):
            rows = [
                (f"{name}{i}", split[i % 2], "", text, ("alarm", "music")[i % 2], language, "", "")
                for i, text in enumerate(utterances)
            ]
            file = folder / language / f"{name}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


def xm3600(folder: Path) -> None:
    for language, word in (("en", "A dog"), ("de", "Ein Hund")):
        put_parquet(
            folder / "data" / f"{language}-00000-of-00001.parquet",
            [
                {
                    "image_id": f"img{i}",
                    "image_locale": language,
                    "captions": [f"{word} {i} {n}" for n in range(2 + i % 2)],
                    "image": b"\x00" * 100,
                }
                for i in range(3)
            ],
        )


def xm3600_googles(folder: Path) -> None:
    captions = {
        "en": lambda i: [f"A dog {i} {n}" for n in range(2 + i % 2)],
        "de": lambda i: [f"Ein Hund {i} {n}" for n in range(2 + i % 2)],
    }
    put_jsonl(
        folder / "captions.jsonl",
        [
            {
                "image/key": f"img{i}",
                "image/locale": "de",
                **{
                    code: {"caption": of(i), "caption/tokenized": of(i)}
                    for code, of in captions.items()
                },
            }
            for i in range(3)
        ],
    )


def beir(folder: Path) -> None:
    put_jsonl(
        folder / "queries.jsonl",
        [
            {
                "_id": f"q{p}{q}-{language}",
                "question_id": f"q{p}{q}",
                "language": language,
                "text": asked,
            }
            for language in SENTENCES
            for p, both in enumerate(ASKED[language])
            for q, asked in enumerate(both)
        ]
        + [
            {"_id": "mixed", "language": "hi-en", "text": "Yeh river kahan rises?"},
            {"_id": "train-only", "language": "en", "text": "Why?"},
        ],
    )
    put_jsonl(
        folder / "corpus.jsonl",
        [
            {
                "_id": f"p{p}-{language}",
                "title": f"Title {p}",
                "language": language,
                "text": "".join(sentences),
            }
            for language in SENTENCES
            for p, sentences in enumerate(SENTENCES[language])
        ],
    )
    header = "query-id\tcorpus-id\tscore\n"
    judged = [
        f"q{p}{q}-{language}\tp{p}-{other}\t1\n"
        for language in SENTENCES
        for other in SENTENCES
        for p in range(2)
        for q in range(2)
    ]
    put(
        folder / "qrels" / "test.tsv",
        header + "".join(judged) + "mixed\tp0-en\t2\nmixed\tp1-en\t0\n",
    )
    put(folder / "qrels" / "train.tsv", header + "train-only\tp1-en\t1\n")


def trec(folder: Path) -> None:
    put(folder / "queries.tsv", "1\ten\tWhere does it rise?\n2\tde\tWo entspringt er?\n")
    put(folder / "corpus.tsv", "a\ten\tIt rises in the north.\nb\tde\tEr entspringt im Norden.\n")
    put(folder / "qrels.txt", "1 0 a 1\n1 0 b 1\n2 0 b 2\n")


def pairs(folder: Path) -> None:
    put_jsonl(
        folder / "pairs.jsonl",
        [
            {
                "id": f"id{i}",
                "question": {"en": f"Who is {i}?", **({"de": f"Wer ist {i}?"} if i % 2 else {})},
                "passage": {"de": f"Nummer {i // 2} ist jemand."},
            }
            for i in range(60)
        ],
    )


def ntrex(folder: Path) -> None:
    for language, word in (("en", "Sentence"), ("de", "Satz")):
        put(folder / f"{language}.txt", "".join(f"{word} {i}.\n" for i in range(40)))


def squad_folder(folder: Path) -> None:
    for language in SENTENCES:
        put_json(folder / f"{language}.json", squad(language, breaks=False))


def xnli(folder: Path) -> None:
    """Forty premises, each with a hypothesis of every label."""
    labels = {"en": ("It is {}.", "It may be {}.", "It is not {}.")}
    labels["de"] = ("Es ist {}.", "Es mag {} sein.", "Es ist nicht {}.")
    put_jsonl(
        folder / "labelled.jsonl",
        [
            {
                "id": f"xnli:{split}:{3 * i + n}",
                "split": split,
                "label": label,
                "question": {code: forms[n].format(i) for code, forms in labels.items()},
                "passage": {"en": f"It was {i} in {split}.", "de": f"Es war {i} in {split}."},
            }
            for split, count in (("dev", 10), ("test", 30))
            for i in range(count)
            for n, label in enumerate(("entailment", "neutral", "contradiction"))
        ],
    )


def afriqa(folder: Path) -> None:
    pivots = {"yo": "en", "sw": "en", "fon": "fr"}
    put_jsonl(
        folder / "pairs.jsonl",
        [
            {
                "id": f"{code}:{split}:{i}",
                "split": split,
                "question": {code: f"{code} {split} {i}?", pivot: f"{pivot} {code} {split} {i}?"},
                "passage": {pivot: f"{pivot}: {split} {i // 2}."},
            }
            for code, pivot in pivots.items()
            for split in ("train", "dev", "test")
            if (code, split) != ("sw", "train")
            for i in range(4)
        ],
    )


def hinglish_top(folder: Path) -> None:
    put_jsonl(
        folder / "pairs.jsonl",
        [
            {
                "id": f"{split}:{i}",
                "split": split,
                "question": {"hi-en": f"{i} baje alarm lagao, {split}"},
                "passage": {"en": f"set an alarm for {i // 2}, {split}"},
                "domain": "alarm",
                "intent": "IN:CREATE_ALARM" if i % 2 else "IN:GET_ALARM",
            }
            for split in ("train", "validation", "test")
            for i in range(4)
        ],
    )


def mmarco_codemixed(folder: Path) -> None:
    degrees = ("0-20", "20-40", "40-60", "60-80", "80-100")
    put_jsonl(
        folder / "queries.jsonl",
        [
            {"_id": f"{i}:{degree}", "question_id": str(i), "language": "zh-en", "text": f"{i} {n}"}
            for i in range(3)
            for n, degree in enumerate(degrees[i:])
        ],
    )
    put_jsonl(
        folder / "corpus.jsonl",
        [{"_id": str(i), "language": "en", "text": f"what is {i}"} for i in range(5)],
    )
    judged = [f"{i}:{degree}\t{i}\t1\n" for i in range(3) for degree in degrees[i:]]
    put(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\n" + "".join(judged))


Write = Callable[[Path], None]
