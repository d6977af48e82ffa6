"""Models of each kind are told their languages as they are trained to be, and split by length."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from hbtlib.data.catalog import load_pairs
from hbtlib.translation.codes import find_code, scripts
from hbtlib.translation.failures import failure
from hbtlib.translation.random_model import CODES
from hbtlib.translation.translator import Translator, batches, language_codes, split_sentences

TINY: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "max_position_embeddings": 64,
}
TEXTS = ["Who built the tower?", "It was Wren. He built it of stone.", "Where?"]


def sentencepiece_model(folder: Path) -> Path:
    """Trains a tokenizer of SentencePiece's on a few made-up sentences."""
    sentencepiece = pytest.importorskip("sentencepiece")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_prefix=str(folder / "spm"),
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return folder / "spm.model"


def m2m100(folder: Path) -> Path:
    """A folder with a tiny M2M-100 with random weights."""
    from sentencepiece import SentencePieceProcessor
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    spm = sentencepiece_model(folder)
    processor = SentencePieceProcessor(model_file=str(spm))
    pieces = [processor.id_to_piece(number) for number in range(len(processor))]
    tokens = dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", *pieces])
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    tokenizer = M2M100Tokenizer(vocab_file=str(vocabulary), spm_file=str(spm))
    torch.manual_seed(0)
    size = tokenizer.encoder_size + len(tokenizer.lang_code_to_id) + tokenizer.num_madeup_words
    model = M2M100ForConditionalGeneration(M2M100Config(vocab_size=size, **TINY))
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


def test_m2m100_is_told_its_languages_by_tokens(tmp_path: Path) -> None:
    folder = m2m100(tmp_path)
    translator = Translator.load(folder, max_tokens=9)
    assert translator.code("zh") == "zh"
    assert translator.code("fil") == "tl"
    assert "does not translate into 'te'" in str(translator.why_not("en", "te"))
    tokenizer = translator.tokenizer
    rows = translator._tokens(["Who?"], "de", "sw")
    assert rows[0][0] == tokenizer.get_lang_id("de")
    assert rows[0][-1] == tokenizer.eos_token_id
    made = []
    generate = translator.model.generate

    def noted(**given: Any) -> torch.Tensor:
        made.append(generate(**given))
        return made[-1]

    translator.model.generate = noted
    found = translator.translate(TEXTS, "de", "sw")
    assert len(found) == 3
    assert not any("__sw__" in one.text for one in found)
    assert {int(row[1]) for batch in made for row in batch} == {tokenizer.get_lang_id("sw")}
    assert max(batch.shape[1] for batch in made) <= 2 + 9
    again = Translator.load(folder, max_tokens=9)
    assert again.translate(TEXTS, "de", "sw") == found
    assert again.about == translator.about
    assert {"config.json", "model.safetensors", "vocab.json"} <= set(again.about["files"])
    assert Translator.load(folder, beams=2).about != translator.about
    assert found[0] == translator.translate(TEXTS[:1], "de", "sw")[0]


def test_nllb_and_mbart50_are_told_by_their_codes() -> None:
    from transformers import MBart50Tokenizer, MBartConfig, MBartForConditionalGeneration

    nllb = Translator.load("random")
    assert [nllb.code(code) for code in CODES] == list(CODES.values())
    rows = nllb._tokens(["who"], "de", "sw")
    assert nllb.tokenizer.convert_ids_to_tokens(rows[0])[0] == "deu_Latn"
    tokenizer = MBart50Tokenizer()
    model = MBartForConditionalGeneration(MBartConfig(vocab_size=len(tokenizer) + 9, **TINY))
    mbart = Translator(model, tokenizer, name="mbart")
    assert [mbart.code(code) for code in ("de", "zh", "fil", "sw")] == [
        "de_DE",
        "zh_CN",
        "tl_XX",
        "sw_KE",
    ]
    assert mbart.why_not("en", "el") is not None
    tokens = mbart._tokens(["who"], "fr", "de")
    assert tokenizer.convert_ids_to_tokens(tokens[0])[0] == "fr_XX"
    assert len(mbart.translate(["who", "what"], "fr", "de")) == 2


def marian(folder: Path, marks: list[str]) -> Translator:
    from sentencepiece import SentencePieceProcessor
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    spm = sentencepiece_model(folder)
    processor = SentencePieceProcessor(model_file=str(spm))
    pieces = [processor.id_to_piece(number) for number in range(3, len(processor))]
    tokens = ["</s>", "<unk>", *marks, *pieces, "<pad>"]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    tokenizer = MarianTokenizer(
        source_spm=str(spm),
        target_spm=str(spm),
        vocab=str(vocabulary),
        source_lang="en",
        target_lang="mul" if marks else "de",
    )
    pad = len(tokens) - 1
    config = MarianConfig(
        vocab_size=len(tokens),
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=None,
        **TINY,
    )
    return Translator(MarianMTModel(config), tokenizer, name="opus", max_tokens=5)


def test_marian_translates_one_way_or_is_told_by_a_mark(tmp_path: Path) -> None:
    one = marian(tmp_path, [])
    assert one.why_not("en", "de") is None
    assert one.why_not("en", "fr") == ("the model 'opus' does not translate into 'fr'; it knows de")
    assert "does not translate from 'de'" in str(one.why_not("de", "de"))
    assert len(one.translate(TEXTS, "en", "de")) == 3
    many = marian(tmp_path, [">>deu<<", ">>swh<<"])
    assert [many.code("de"), many.code("sw")] == ["deu", "swh"]
    row = many._tokens(["Where?"], "en", "sw")[0]
    assert many.tokenizer.convert_ids_to_tokens(row)[0] == ">>swh<<"
    assert len(many.translate(TEXTS, "en", "sw")) == 3


def test_a_model_without_codes_is_refused() -> None:
    class Bare:
        all_special_tokens = ("<s>", "</s>")

    with pytest.raises(ValueError, match="the model 't5' does not say which languages it trans"):
        language_codes(Bare(), "t5")


def test_texts_beyond_what_the_model_reads_are_not_translated() -> None:
    tiny = Translator.load("random", max_tokens=8)
    tiny.tokenizer.model_max_length = 30
    long, short = "a" * 40, "a" * 10
    found = tiny.translate([long, short, f"{long}. Short one."], "en", "de")
    assert [one.failed for one in found] == ["too long", "cut off", "too long"]
    assert tiny.translate([short], "en", "de") == [found[1]]


def test_codes_of_languages() -> None:
    nllb = ["zho_Hant", "zho_Hans", "nob_Latn", "tgl_Latn", "pbt_Arab", "srp_Cyrl", "lvs_Latn"]
    asked = ["zh", "zh_Hant", "no", "nb", "fil", "tl", "ps", "sr", "sr_Latn", "lv", "de"]
    assert [find_code(code, nllb) for code in asked] == [
        *("zho_Hans", "zho_Hant", "nob_Latn", "nob_Latn", "tgl_Latn", "tgl_Latn"),
        *("pbt_Arab", "srp_Cyrl", None, "lvs_Latn", None),
    ]
    assert find_code("de", ["en", "de"]) == "de"
    assert scripts("sr") == ("Cyrl",)
    assert scripts("sr", "srp_Latn") == ("Latn",)
    assert scripts("ja") == ("Hani", "Hira", "Kana")
    assert scripts("ko", "kor_Hang") == ("Hang", "Hani")


@pytest.mark.parametrize(
    ("text", "translation", "written_in", "reason"),
    [
        ("Who?", "", ["Latn"], "empty"),
        ("Who?", " \u200b", ["Latn"], "empty"),
        ("1666", "1666", ["Thai"], ""),  # a number is the same in many languages
        ("1666", "๑๖๖๖", ["Thai"], ""),
        ("Ｗｈｏ ？", "who?", ["Latn"], "copied"),
        ("Who was it?", "誰でしたか。", ["Hani", "Hira", "Kana"], ""),
        ("Who was it?", "誰 was it then?", ["Hani", "Hira", "Kana"], "wrong script"),
        ("Who was it?", "誰 was it then?", [], ""),
        ("Who was it in the year of the fire?", "谁？", ["Hani"], "length ratio"),
        ("Who was it in the year of the fire?", "那一年的火灾是谁引起的？", ["Hani"], ""),
        ("Who?", "Wer war denn das?", ["Latn"], ""),  # too short to compare
        ("Who?", "Wer war denn das, wenn ich fragen darf?", ["Latn"], "length ratio"),
    ],
)
def test_failures(text: str, translation: str, written_in: list[str], reason: str) -> None:
    assert failure(text, translation, written_in) == reason


def test_real_translations_are_hardly_ever_failures(real_data: Path) -> None:
    pairs = load_pairs("ntrex", languages=["en", "zh", "te", "ar", "ja"])
    english = pairs.dataset["query_en"][:]
    for language in ("zh", "te", "ar", "ja"):
        written_in = scripts(language)
        texts = zip(english, pairs.dataset[f"query_{language}"][:], strict=True)
        failed = [failure(one, other, written_in) for one, other in texts]
        assert sum(map(bool, failed)) <= 0.02 * len(english), language
        backwards = zip(pairs.dataset[f"query_{language}"][:], english, strict=True)
        wrong = [failure(one, other, written_in) == "wrong script" for one, other in backwards]
        assert sum(wrong) >= 0.99 * len(english), language


def test_batches_hold_so_many_tokens() -> None:
    lengths = [5, 1, 9, 3, 3, 20]
    order = sorted(range(6), key=lambda number: -lengths[number])
    found = list(batches(order, lengths, 12))
    assert [number for batch in found for number in batch] == order
    assert found == [[5], [2], [0, 3], [4, 1]]
    assert list(batches([], lengths, 12)) == []


def test_sentences() -> None:
    assert split_sentences("It was Wren. He left!\nNobody knows.", "en") == [
        "It was Wren.",
        "He left!",
        "Nobody knows.",
    ]
    assert split_sentences("他来了。他走了。", "zh_Hant") == ["他来了。", "他走了。"]
    assert split_sentences("One", "xyz") == ["One"]
