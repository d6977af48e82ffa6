"""Question answering files of the wild: each variation is read, and what is left out is counted."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.file_names import languages_of, split_of
from hbtlib.data.sets import squad

CONTEXT = "The river rises in the north. It is long. Fish live in it."
Record = dict[str, Any]


def asked(**changes: Any) -> Record:
    """A question as SQuAD has it, with other values; a field that is None is taken out."""
    record = {
        "id": "a",
        "question": "How long is it?",
        "answers": [{"text": "long", "answer_start": 36}],
        **changes,
    }
    return {name: value for name, value in record.items() if value is not None}


def article(*qas: Record, context: str = CONTEXT, **more: Any) -> Record:
    return {"title": "River", "paragraphs": [{"context": context, "qas": list(qas), **more}]}


def write(folder: Path, *articles: Record, name: str = "en.json") -> Path:
    layouts.put_json(folder / name, {"version": "1", "data": list(articles)})
    return folder / name


def load(data: Path, **options: Any) -> hbt.Benchmark:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hbt.load_benchmark("squad", data, **options)


def relevant(benchmark: hbt.Benchmark) -> dict[str, set[str]]:
    """Each query's relevant texts."""
    table = benchmark.judgements.merge(benchmark.passages, on="passage_id")
    return table.groupby("query_id")["text"].agg(set).to_dict()


@pytest.mark.parametrize(
    "question",
    [
        asked(),
        asked(id=17),
        asked(answers=[{"text": "long", "answer_start": "36"}]),
        asked(answers=[{"text": "long", "answer_start": 36.0}]),
        asked(answers=[{"text": "long", "answer_start": -1}]),
        asked(answers=[{"text": "long", "answer_start": None}]),
        asked(answers=[{"text": "long"}]),
        asked(answers=[{"text": " long", "answer_start": 35}]),
        asked(answers=[{"text": "long", "answer_start": 38}]),
        asked(answers=["long", "very long"]),
        asked(answers={"text": ["long"], "answer_start": [36]}),
        asked(answers={"text": ["long"]}),
        asked(answers=None, answer={"text": "long", "answer_start": 36, "html_answer": "<b>"}),
        asked(answers=None, answer="long", answer_start=36),
        asked(answers=None, answer_text="long", answer_start="36"),
        asked(answers=[{"text": "blau", "answer_start": 5}, {"text": "long", "answer_start": 36}]),
        asked(is_impossible=False, plausible_answers=[]),
        asked(id=None, guid="klue-mrc-v1_dev_1"),
        asked(id=None, question=None, query_id="DEV_0_QUERY_0", query_text="How long is it?"),
        asked(id=None, qid="q"),
    ],
    ids=repr,
)
def test_a_question_of_any_form_has_its_paragraph_and_its_sentence(
    question: Record, tmp_path: Path
) -> None:
    file = write(tmp_path, article(question))
    whole = load(file)
    assert whole.queries["text"].tolist() == ["How long is it?"]
    assert list(relevant(whole).values()) == [{CONTEXT}]
    assert whole.left_out == {}
    found = load(file, sentences=True)
    assert len(found.passages) == 3
    assert list(relevant(found).values()) == [{"It is long."}]


ROW = {"id": "1", "title": "River", "context": CONTEXT, **asked(id="1")}
TABLE = {**ROW, "answers": {"text": ["long"], "answer_start": [36]}}
CMRC = [{"context_id": "T_0", "context_text": CONTEXT, "title": "River", "qas": [asked(id="1")]}]
MRQA = [
    {"header": {"dataset": "mine", "split": "dev"}},
    {"context": CONTEXT, "qas": [asked(id=None, qid="1", answers=["long"])]},
]
FAQUAD = [{"paragraph_id": "0", "paragraph": CONTEXT, "question": "How long?", "answer": "long"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("en.json", json.dumps({"data": [article(asked())]})),
        ("en.json", json.dumps({"data": [article(asked())]}, indent=1)),
        ("en.json", json.dumps([article(asked())])),
        ("en.json", json.dumps(article(asked()))),
        ("en.json", json.dumps(CMRC)),
        ("en.json", json.dumps({"data": [ROW]})),
        ("en.json", json.dumps([ROW])),
        ("en.jsonl", json.dumps(ROW) + "\n"),
        ("en.jsonl", json.dumps(TABLE) + "\n\n"),
        ("en.json", json.dumps(ROW) + "\n" + json.dumps({**ROW, "id": "2"}) + "\n"),
        ("en.jsonl", "\n".join(map(json.dumps, MRQA))),
        ("en.jsonl.gz", "\n".join(map(json.dumps, MRQA))),
        ("en.jsonl", json.dumps(article(asked()))),
        ("en.jsonl", json.dumps(FAQUAD[0])),
    ],
)
def test_files_of_any_build_are_read(name: str, content: str, tmp_path: Path) -> None:
    layouts.put(tmp_path / name, content)  # it packs what is called .gz
    found = load(tmp_path / name)
    assert set(relevant(found)) == set(found.queries["query_id"])
    assert found.passages["text"].tolist() == [CONTEXT]
    assert found.languages == ("en",)
    titles = {"River", ""}  # where a file gives one
    assert set(found.passages["title"]) <= titles


def test_parquet_is_read_by_rows_and_by_articles(tmp_path: Path) -> None:
    layouts.put_parquet(tmp_path / "rows" / "en.parquet", [TABLE])
    layouts.put_parquet(tmp_path / "articles" / "en.parquet", [article(asked())])
    layouts.put_parquet(tmp_path / "other" / "en.parquet", [{"a": 1}])
    assert len(load(tmp_path / "rows").queries) == 1
    assert relevant(load(tmp_path / "articles", sentences=True)) == {"a:en": {"It is long."}}
    with pytest.raises(DataError, match="no question in it; its columns are a"):
        load(tmp_path / "other" / "en.parquet")
    (tmp_path / "other" / "en.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="not a whole parquet file"):
        load(tmp_path / "other" / "en.parquet")


def test_an_answer_is_looked_for_near_the_place_it_is_said_to_be(tmp_path: Path) -> None:
    context = "It is red. Some say it is red. It is red at night."
    at = {6: "It is red.", 27: "Some say it is red.", 45: "It is red at night."}
    for start, sentence in at.items():
        file = write(
            tmp_path,
            article(asked(answers=[{"text": "red", "answer_start": start}]), context=context),
        )
        assert relevant(load(file, sentences=True)) == {"a:en": {sentence}}


def test_what_is_left_out_is_counted_and_said(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        article(
            asked(id="kept"),
            asked(id="squad2", is_impossible=True, answers=[], plausible_answers=[{"text": "It"}]),
            asked(id="heq", answers=[], is_impossible=True, wrong_answers=[{"text": "Fish"}]),
            asked(id="flagged", is_impossible="True"),
            asked(id="indicqa", answers=[{"text": "", "answer_start": -1}]),
            asked(id="none", answers=None),
            asked(id="blank", question="  "),
            asked(id="kept"),
        ),
        article(asked(id="empty"), context=" "),
        article(asked(id="away", is_impossible=True), context="Nobody asks of this one."),
        name="dev-v2.0.de.json",
    )
    reasons = {
        "questions without an answer": 6,
        "questions without text": 1,
        "questions that stand twice, with id and paragraph": 1,
        "questions of a paragraph without text": 1,
    }
    with pytest.warns(UserWarning, match="left out: ") as told:
        found = hbt.load_benchmark("squad", file)
    assert len(told) == 1
    assert told[0].filename == __file__  # it points to who asked for the file
    said = str(told[0].message)
    assert said.startswith(f"{file}: by their names, dev-v2.0.de.json is de; left out: ")
    assert all(f"{count} {reason}" in said for reason, count in reasons.items())
    assert found.left_out == reasons
    assert found.queries["question_id"].tolist() == ["kept"]
    # A paragraph without a question that is left is still one that can be found.
    assert found.passages["text"].tolist() == [CONTEXT, "Nobody asks of this one."]
    assert found.restrict(["de"]).left_out == reasons
    with pytest.warns(UserWarning, match="left out: "):
        pairs = hbt.load_pairs("squad", file)
    assert pairs.left_out == pairs.select([0]).left_out == reasons


def test_unanswerable_questions_are_kept_on_request_with_their_paragraph(tmp_path: Path) -> None:
    file = write(tmp_path, article(asked(), asked(id="b", answers=[], is_impossible=True)))
    found = load(file, keep_unanswerable=True)
    assert relevant(found) == {"a:en": {CONTEXT}, "b:en": {CONTEXT}}
    assert found.left_out == {}
    with pytest.raises(DataError, match="keep_unanswerable goes with paragraphs, because no sent"):
        load(file, keep_unanswerable=True, sentences=True)
    file = write(tmp_path, article(asked(answers=[])))
    with pytest.raises(DataError, match=r"left \(1 questions without an answer\); keep_unanswer"):
        load(file)
    assert len(load(file, keep_unanswerable=True).queries) == 1


def test_answers_that_are_blank_throughout_are_withheld_and_not_missing(tmp_path: Path) -> None:
    blank = [{"text": "", "answer_start": 0}]
    file = write(tmp_path, article(asked(answers=blank), asked(id="b", answers=blank)))
    assert len(load(file).queries) == 2
    with pytest.raises(DataError, match="2 questions whose answer is nowhere in their paragraph"):
        load(file, sentences=True)
    placed = [{"text": "", "answer_start": 43}]
    file = write(tmp_path, article(asked(answers=placed), asked(id="b", answers=blank)))
    found = load(file, sentences=True)
    assert relevant(found) == {"a:en": {"Fish live in it."}}
    assert found.left_out == {squad.NO_PLACE: 1}


def test_an_answer_that_is_not_in_its_paragraph_matters_for_sentences_alone(tmp_path: Path) -> None:
    away = asked(id="b", answers=[{"text": "blue", "answer_start": 4}])
    file = write(tmp_path, article(asked(), away))
    assert len(load(file).queries) == 2
    found = load(file, sentences=True)
    assert found.queries["question_id"].tolist() == ["a"]
    assert found.left_out == {squad.NO_PLACE: 1}


def test_ids_are_numbered_where_they_repeat_or_lack(tmp_path: Path) -> None:
    other = "It stands on a hill."
    again = asked(answers=[{"text": "hill", "answer_start": 15}])
    file = write(
        tmp_path,
        article(asked(id="1"), asked(id="1", question="Where?")),
        article({**again, "id": "1"}, {**again, "id": "1.2"}, asked(id=None), context=other),
    )
    ids = load(file).queries["question_id"].tolist()
    assert ids == ["1", "1.2", "1.3", "1.2.2", "en#1.0.2"]
    assert ids == load(file).queries["question_id"].tolist()


def test_a_paragraph_that_stands_several_times_is_one(tmp_path: Path) -> None:
    # As in NorQuAD, which has a paragraph for each question.
    file = write(tmp_path, article(asked(id=1)), article(asked(id=2, question="Is it long?")))
    assert len(load(file).passages) == 1
    assert len(load(file, sentences=True).passages) == 3


def translated(language: str, **changes: Any) -> Record:
    texts = {"en": (CONTEXT, "How long?", "long"), "de": ("Er ist lang.", "Wie lang?", "lang")}
    context, question, answer = texts[language]
    start = context.index(answer)
    qa = asked(question=question, answers=[{"text": answer, "answer_start": start}], **changes)
    return article(qa, context=context)


@pytest.mark.parametrize(
    ("ids", "parallel", "joined"),
    [
        (("q1", "q1"), None, True),
        (("q1", "q2"), None, False),
        ((12, 12), None, False),  # any two sets have a question 12
        ((12, 12), True, True),
        (("q1", "q1"), False, False),
        ((None, None), None, False),
    ],
)
def test_languages_are_parallel_through_ids_that_mean_something(
    ids: tuple[Any, Any], parallel: bool | None, joined: bool, tmp_path: Path
) -> None:
    for language, id_ in zip(("de", "en"), ids, strict=True):
        write(tmp_path / language, translated(language, id=id_), name="dev.json")
    found = load(tmp_path, parallel=parallel)
    assert found.queries["language"].tolist() == ["de", "en"]
    assert found.queries["question_id"].nunique() == (1 if joined else 2)
    assert len(found.judgements) == (4 if joined else 2)
    assert ("cross-lingual" in found.settings) == joined


def test_ids_that_repeat_join_no_languages(tmp_path: Path) -> None:
    for language in ("de", "en"):
        same = translated(language, id="q")
        other = article(asked(id="q"), context=f"Another long paragraph in {language}.")
        write(tmp_path, same, other, name=f"xtreme.{language}.json")
    found = load(tmp_path)
    assert found.queries["question_id"].tolist() == ["de:q", "de:q.2", "en:q", "en:q.2"]
    assert len(found.judgements) == 4


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("de", ["de"]),
        ("bem", ["bem"]),
        ("zh_Hant", ["zh_Hant"]),
        ("dev-v1.1.de", ["de"]),
        ("xquad.el", ["el"]),
        ("tydiqa.goldp.sw.train", ["sw"]),
        ("dev-context-ar-question-ar", ["ar"]),
        ("swahili_test", ["sw"]),
        ("squad.translate.train.en-ar", ["en", "ar"]),
        ("dev-v2.0", []),
        ("train new raw", []),
        ("Validation", []),
    ],
)
def test_a_name_says_its_language(name: str, languages: list[str]) -> None:
    assert languages_of(name) == languages


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Validation.json", "dev"),
        ("train-v0.1.json", "train"),
        ("tydiqa.goldp.sw.dev.json.gz", "dev"),
        ("cmrc2018_trial.json", "trial"),
        ("de.json", None),
        ("train-dev.json", None),
    ],
)
def test_a_name_says_its_split(name: str, split: str | None) -> None:
    assert split_of(Path(name)) == split


def test_a_folder_with_several_splits_wants_one_named(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write(tmp_path, article(asked(id=split)), name=f"{split}.de.json")
    with pytest.raises(DataError, match="has files of dev, train; give split= one of them"):
        load(tmp_path)
    for split in ("dev", "validation"):
        assert load(tmp_path, split=split).queries["question_id"].tolist() == ["valid"]
    with pytest.raises(DataError, match="says the split 'test'; they say dev, train"):
        load(tmp_path, split="test")
    write(tmp_path / "one", article(asked()), name="de.json")
    with pytest.raises(DataError, match="they say none, so leave split= out"):
        load(tmp_path / "one", split="dev")


def test_files_that_are_something_else_are_passed_over_and_counted(tmp_path: Path) -> None:
    write(tmp_path, article(asked()))
    layouts.put_json(tmp_path / "SOURCE.json", {"name": "mine", "licence": "free"})
    layouts.put_json(tmp_path / "numbers.de.json", [1, 2])
    layouts.put_json(tmp_path / "mlqa" / "dev-context-en-question-de.json", {"data": []})
    found = load(tmp_path)
    assert found.left_out == {squad.OTHER_FILES: 2, squad.TWO_LANGUAGES: 1}
    assert found.languages == ("en",)
    with pytest.raises(DataError, match="the fields are 'name', 'licence', where 'paragraphs'"):
        load(tmp_path / "SOURCE.json", language="de")
    with pytest.raises(DataError, match="every file pairs paragraphs and questions of two lang"):
        load(tmp_path / "mlqa")


def test_the_language_that_is_given_is_that_of_all_files(tmp_path: Path) -> None:
    for part in range(3):
        write(tmp_path, article(asked(id=str(part))), name=f"jaquad_train_000{part}.json")
    with pytest.raises(DataError, match=r"train_0000\.json: its name says no language; give lang"):
        load(tmp_path)
    found = load(tmp_path, language="ja", called="JaQuAD")
    assert found.languages == ("ja",)
    assert found.queries["question_id"].tolist() == ["0", "1", "2"]
    assert found.name == "JaQuAD"
    with pytest.raises(DataError, match="language: unknown language 'xx'"):
        load(tmp_path, language="xx")
    file = write(tmp_path / "two", article(asked()), name="squad.train.en-ar.json")
    with pytest.raises(DataError, match="its name may say en or ar; give language="):
        load(file)
    with pytest.raises(DataError, match="has no language 'fr'; it has de"):
        load(write(tmp_path / "de", article(asked()), name="de.json"), languages=["fr"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answers": 7.5j and True}, "article 0, paragraph 0, question 0: an answer's text is Tr"),
        ({"answers": [{"text": "a", "answer_start": "x"}]}, "the field 'answer_start' is 'x', wh"),
        ({"answers": [{"text": "a", "answer_start": 1.5}]}, "the field 'answer_start' is 1.5"),
        ({"answers": [{"text": "a", "answer_start": True}]}, "the field 'answer_start' is True"),
        ({"answers": {"text": ["a", "b"], "answer_start": [1]}}, "2 answer texts but 1 starts"),
        ({"answers": [{"text": ["a"]}]}, r"an answer's text is \['a'\], where a text belongs"),
        ({"id": ["a"]}, r"the field 'id' is \['a'\], where a text belongs"),
        ({"id": True}, "the field 'id' is True, where a text belongs"),
        ({"question": None}, "no field 'question' or 'query_text' or 'query'; the fields are"),
        ({"question": 7}, "the field 'question' is 7, where a text belongs"),
        ({"question": "Wo \ud83d?"}, "the question holds half of a character"),
    ],
)
def test_what_is_no_question_is_named(change: Record, said: str, tmp_path: Path) -> None:
    file = tmp_path / "en.json"
    layouts.put(file, json.dumps({"data": [article(asked(**change))]}))
    with pytest.raises(DataError, match=said) as error:
        load(file)
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not whole JSON"),
        ('{"data": [', "not whole JSON"),
        ('{"data": []}', "no question in it"),
        ("7", "it is 7, where articles or questions belong"),
        ("[7]", r"it is \[7\], where articles or questions belong"),
        ('{"data": [{"paragraphs": []}, 7]}', "article 1: the article is 7, where a JSON object"),
        ('{"data": [{"paragraphs": [7]}]}', "paragraph 0: the paragraph is 7"),
        ('{"data": [{"paragraphs": [{"qas": [7]}]}]}', "question 0: the question is 7"),
        ('{"data": [{"paragraphs": [{"qas": 7}]}]}', "the field 'qas' is 7, where a list belongs"),
        ('{"data": [{"paragraphs": [{"qas": [{}]}]}]}', "no field 'context' or 'context_text'"),
        ('{"data": [{"paragraphs": 7}]}', "no field 'question'|no field 'context'"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": []}]}]}', "no question in it"),
        ('{"id": "1"}\n{"id": "2"}', "line 1: no question with a paragraph; the fields are 'id'"),
    ],
)
def test_what_is_no_file_of_questions_is_named(content: str, said: str, tmp_path: Path) -> None:
    layouts.put(tmp_path / "en.json", content)
    with pytest.raises(DataError, match=said) as error:
        load(tmp_path / "en.json")
    assert "en.json" in str(error.value)


def test_what_cannot_be_a_folder_of_questions_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give data= a file in SQuAD's form, or a folder"):
        hbt.load_benchmark("squad")
    for wrong in (tmp_path / "none", "a\0b", "x" * 5000, ""):
        with pytest.raises(DataError, match="does not exist"):
            load(wrong)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match=r"has no file \.json or .* \(it has notes\.txt\)"):
        load(tmp_path)
    layouts.beir(tmp_path / "beir")
    with pytest.raises(DataError, match=r"has a corpus\.jsonl.*load it under the name 'folder'"):
        load(tmp_path / "beir")
    file = write(tmp_path, article(asked()))
    with pytest.raises(DataError, match="context is 'paragraph', which goes with sentences"):
        load(file, context="paragraph")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}')[:-4])
    with pytest.raises(DataError, match="cut off or damaged"):
        load(tmp_path / "cut.jsonl.gz", language="de")


def test_sentence_marks_are_used_where_every_paragraph_has_them(tmp_path: Path) -> None:
    layouts.xquad_r(tmp_path / "marked")
    found = load(tmp_path / "marked")
    strict = hbt.load_benchmark("xquad-r", tmp_path / "marked", languages=["de", "en"])
    assert relevant(found) == relevant(strict)
    assert len(found.passages) == len(strict.passages) == 12
    around = load(tmp_path / "marked", context="paragraph")
    assert around.passages["text"][1].startswith("Er ist lang.\nDer Fluss")
    assert len(load(tmp_path / "marked", sentences=False).passages) == 4
    write(tmp_path / "marked", article(asked()), name="fr.json")
    assert len(load(tmp_path / "marked").passages) == 5  # one paragraph has no marks


@pytest.mark.parametrize("name", ["xquad-r", "mlqa", "tydiqa-goldp"])
def test_real_files_are_read_as_their_own_loader_reads_them(name: str, real_data: Path) -> None:
    languages = ["en", "ar"]
    own = hbt.load_benchmark(name, languages=languages)
    folder = name if name == "xquad-r" else f"{name}-dev"
    found = load(real_data / folder, languages=languages)
    assert relevant(found) == relevant(own)
    assert found.queries["text"].tolist() == own.queries["text"].tolist()
    assert found.settings == own.settings
    assert found.left_out == {}


def test_a_real_file_with_repeated_ids_is_read_whole(real_data: Path) -> None:
    file = real_data / "tydiqa-goldp-train" / "xtreme" / "tydiqa.goldp.sw.train.json"
    found = load(file)
    assert (len(found.queries), len(found.passages), found.left_out) == (2_755, 1_687, {})
