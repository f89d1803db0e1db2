import numpy as np
import pytest

from jgan.data.vocabulary import END, UNKNOWN, decode, encode, separator, split_sentence, vocabulary, with_unknown

NAMES = (END, "a", "large", "moon", "red", "star")


def name_of(index):
    return f"line {index}"


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("a large red moon", ["a", "large", "red", "moon"]),
        ("  A moon,\ta star. ", ["A", "moon", ",", "a", "star", "."]),
        ("don't re-use 1st o’clock", ["don't", "re-use", "1st", "o’clock"]),
        ("keycap *", ["keycap", "*"]),
        ("Åland 日本 'quoted'", ["Åland", "日本", "'", "quoted", "'"]),
        (f"{END}", ["<", "end", ">"]),  # a mark is never a word of a text
        (" ", []),
    ],
)
def test_words(sentence, words):
    assert split_sentence(sentence) == words


def test_characters_keep_single_blanks():
    assert split_sentence(" ab  c", "characters") == ["a", "b", " ", "c"]


@pytest.mark.parametrize(("names", "between"), [(NAMES, " "), ((END, "a", " ", "é"), ""), ((END, UNKNOWN, "a"), ""), (("moon", "a"), " ")])
def test_what_stands_between_tokens(names, between):
    assert separator(names) == between


@pytest.mark.parametrize(
    ("min_count", "names"), [(1, (END, "a", "moon", "star")), (2, (END, UNKNOWN, "a", "moon")), (3, (END, UNKNOWN, "a"))]
)
def test_rare_words_are_left_out(min_count, names):
    sentences = [["a", "moon"], ["a", "star"], ["a", "moon"]]
    assert vocabulary(sentences, min_count) == names
    known = with_unknown(sentences, names)
    assert [words[1] for words in known] == [word if word in names else UNKNOWN for word in ("moon", "star", "moon")]


def test_no_word_is_left():
    with pytest.raises(ValueError, match="words that occur 5 times or more, found none; lower min_count"):
        vocabulary([["a"]], 5)


def test_there_and_back():
    texts = ["a moon", "a large red star", "star"]
    tokens = encode([split_sentence(text) for text in texts], NAMES, 5, name_of)
    assert tokens.dtype == np.int32 and tokens.tolist()[0] == [1, 3, 0, 0, 0] and decode(tokens, NAMES) == texts
    assert decode(np.asarray([[1, 3, 1]]), NAMES) == ["a moon a"] and decode(np.zeros((1, 3), np.int32), NAMES) == [""]
    letters = (END, "a", "b")
    assert decode(encode([["a", "b"]], letters, 4, name_of), letters) == ["ab"]


@pytest.mark.parametrize(
    ("words", "names", "message"),
    [
        (["a", "mooon"], NAMES, "expected line 0 in words of the data, found mooon; the nearest known are moon"),
        (["zzz", "qqq"], NAMES, "found zzz, qqq; some that are known are a, large, moon, red, star"),
        ([END], NAMES, "found <end>"),
        ([], NAMES, "expected line 0 of 1 to 2 words, found 0: ''"),
        (["a"] * 3, NAMES, "expected line 0 of 1 to 2 words, found 3: 'a a a'"),
        (["a"] * 99, NAMES, r"found 99: 'a a a a a a a a a a \.\.\.'"),
        (["a"] * 2, NAMES[1:], "expected line 0 of 3 words, found 2"),
        (["a"] * 3, (END, "a"), "expected line 0 of 1 to 2 characters, found 3: 'aaa'"),
    ],
)
def test_sentences_that_do_not_fit(words, names, message):
    with pytest.raises(ValueError, match=message):
        encode([words], names, 3, name_of)
