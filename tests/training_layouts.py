"""Small copies of the published training sets, in the layouts in which the real ones lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from layouts import Row, put, put_json, put_jsonl, put_parquet

PART = "train-00000-of-00001.parquet"
QUESTIONS = ["Who built it?", "Where is it?", "When was it?"]
ANSWERS = ["Wren built it.", "It is in London.", "It was in 1675."]
RELATIONS = 24  # of EntityQuestions


def mmarco(folder: Path) -> None:
    """60 passages, 20 queries and 200 triples, in English and German."""
    for name, word in (("english", "en"), ("german", "de")):
        collection = "".join(f"{i}\t{word} passage {i}\n" for i in range(60))
        # The real queries' ids are in no order.
        queries = "".join(f"{query_id(i)}\t{word} query {i}\n" for i in range(20))
        google = folder / "data" / "google"
        put(google / "collections" / f"{name}_collection.tsv", collection)
        put(google / "queries" / "train" / f"{name}_queries.train.tsv", queries)
        put(google / "queries" / "dev" / f"{name}_queries.dev.small.tsv", queries)
    triples = "".join(f"{query_id(i % 20)}\t{i % 60}\t{(i + 31) % 60}\n" for i in range(200))
    put(folder / "data" / "triples.train.ids.small.tsv", triples)
    judged = "".join(f"{query_id(i)}\t0\t{i}\t{int(i != 7)}\n" for i in range(20))
    put(folder / "data" / "qrels.dev.small.tsv", judged)


def query_id(number: int) -> int:
    return number * 37 % 101


def natural_questions(folder: Path) -> None:
    rows: list[Row] = [
        {"query": question, "answer": answer}
        for question, answer in zip(QUESTIONS, ANSWERS, strict=True)
    ]
    put_parquet(folder / "pair" / PART, [*rows, {"query": "What is it?", "answer": " "}])


def yahoo_answers(folder: Path) -> None:
    for asked in ("title", "question"):
        put_parquet(
            folder / f"{asked}-answer-pair" / PART,
            [{asked: f"{asked} {i}", "answer": ANSWERS[i % 3]} for i in range(4)],
        )


def duorc(folder: Path) -> None:
    for version in ("SelfRC", "ParaphraseRC"):
        rows: list[Row] = [
            {
                "plot_id": "p",
                "plot": f"The plot of the film, {version}.",
                "title": "The Film",
                "question_id": f"{version}-{i}",
                "question": question,
                "answers": [] if i == 2 else ["Wren"],
                "no_answer": i == 2,
            }
            for i, question in enumerate(QUESTIONS)
        ]
        put_parquet(folder / version / PART, rows)


def newsqa(folder: Path) -> None:
    rows: list[Row] = [
        {
            "context": "(CNN) -- Wren built it.",
            "question": question,
            "answers": ["Wren"] if i else [],
            "key": f"k{i}",
            "labels": [{"end": [12], "start": [9]}],
        }
        for i, question in enumerate(QUESTIONS)
    ]
    put_parquet(folder / "data" / "train-00000-of-00001-0123456789abcdef.parquet", rows)


def wikiqa(folder: Path) -> None:
    for split in ("train", "validation", "test"):
        rows: list[Row] = [
            {
                "question_id": f"Q{question}",
                "question": QUESTIONS[question],
                "document_title": "It",
                "answer": f"{split} sentence {question}.{sentence}.",
                "label": int(sentence < labels),
            }
            for question, labels in enumerate((1, 2, 0))
            for sentence in range(3)
        ]
        put_parquet(folder / "data" / f"{split}-00000-of-00001.parquet", rows)


def entity_questions(folder: Path) -> None:
    from hbtlib.data.sets.entity_questions import RELATIONS as CODES

    assert len(set(CODES)) == RELATIONS
    for code in CODES:
        entries = [{"question": f"Where was {code} born?", "answers": ["Rome", "Roma"]}]
        lacking = [{"question": f"Where did {code} die?", "answers": []}] * (code == "P17")
        put_json(folder / "dataset" / "train" / f"{code}.train.json", entries + lacking)


def mr_tydi(folder: Path) -> None:
    rows: list[Row] = [
        {
            "query_id": str(i),
            "query": question,
            "positive_passages": [{"docid": f"{i}#0", "title": "It", "text": ANSWERS[i]}],
            "negative_passages": [
                {"docid": f"9#{n}", "title": "", "text": f"Another passage {n}."}
                for n in range(0 if i == 1 else 3)
            ],
        }
        for i, question in enumerate(QUESTIONS)
    ]
    put_jsonl(folder / "mrtydi-v1.1-english" / "train.jsonl.gz", rows)


def mfaq(folder: Path) -> None:
    pages: list[Row] = [
        {
            "id": page,
            "language": "en",
            "num_pairs": 2,
            "domain": "example.org",
            "qa_pairs": [
                {"question": f"Question {page}?", "answer": "Yes.", "language": "en"},
                {"question": "And?", "answer": "" if page else "No.", "language": "en"},
            ],
        }
        for page in range(2)
    ]
    put_jsonl(folder / "data" / "en" / "train.jsonl", pages)


def squadshifts(folder: Path) -> None:
    for domain in ("new_wiki", "amazon"):
        for part, split in enumerate(("train", "validation", "test")):
            rows: list[Row] = [
                {
                    "id": "of-the-paragraph",
                    "title": "None",
                    "context": f"{domain} {part}. Wren built it.",
                    "question": question,
                    "answers": {"text": ["Wren"], "answer_start": [12]},
                }
                for question in QUESTIONS
            ]
            put_jsonl(folder / "data" / f"{domain}.{split}.jsonl", rows)


SETS: dict[str, Callable[[Path], None]] = {
    "mmarco": mmarco,
    "natural-questions": natural_questions,
    "duorc": duorc,
    "newsqa": newsqa,
    "wikiqa": wikiqa,
    "yahoo-answers": yahoo_answers,
    "entity-questions": entity_questions,
    "mr-tydi": mr_tydi,
    "mfaq": mfaq,
    "squadshifts": squadshifts,
}
