"""Words that are typed, and the names they find."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.text_search import Haystack, marks, score, words_of

TEXT = st.text(st.sampled_from("aAbB:-_ \nİß"), max_size=12)


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("loss", "loss", "loss-2"),
        ("loss", "loss-2", "train:loss"),
        ("loss", "train:loss", "glossary"),
        ("loss", "train:loss", "validation:loss-of-the-second-head"),
        ("train:loss", "train:loss", "pretrain:loss"),
        ("loss train", "train:loss", "train:glossary"),
        ("los tra", "train:loss", "extra:loss"),
        ("gloss", "gloss gloss", "aglossgloss"),
        (":loss", "train:loss", "retraining:loss"),
    ],
)
def test_what_fits_better_comes_first(query: str, better: str, worse: str) -> None:
    first, second = (score(name, words_of(query)) for name in (better, worse))
    assert first is not None
    assert second is not None
    assert first > second


@pytest.mark.parametrize("query", ["loss adam", "lost", "train:acc"])
def test_every_word_must_be_there(query: str) -> None:
    assert score("train:loss", words_of(query), "job=resnet") is None


def test_words_beside_the_name_count_less() -> None:
    words = words_of("loss resnet")
    beside, within = score("train:loss", words, "job=resnet"), score("resnet:loss", words)
    assert beside is not None
    assert within is not None
    assert beside < within


def test_a_query_has_so_many_words_each_once() -> None:
    assert words_of(" B a b  A ") == ("b", "a")
    assert len(words_of(" ".join(map(str, range(20))))) == 8


@pytest.mark.parametrize(
    ("name", "query", "expected"),
    [
        ("Train:Loss", "loss train", [(0, 5), (6, 10)]),
        ("lossloss", "loss", [(0, 8)]),
        ("train", "tra rain", [(0, 5)]),
        ("İloss", "loss", []),
        ("a.b", ".", [(1, 2)]),
    ],
)
def test_marks_are_where_the_words_stand(name: str, query: str, expected: list[tuple[int, int]]) -> None:
    assert marks(name, words_of(query)) == expected


@given(st.lists(TEXT, max_size=12), TEXT)
def test_a_haystack_finds_what_looking_at_each_text_finds(texts: list[str], query: str) -> None:
    words = words_of(query)
    shown = [text.lower().replace("\n", " ") for text in texts]
    expected = [number for number, text in enumerate(shown) if all(word in text for word in words)]
    assert Haystack(texts).find(words, 100) == expected
    assert Haystack(texts).find(words, 2) == expected[:2]


@given(TEXT, TEXT)
def test_marked_is_what_was_asked_for(name: str, query: str) -> None:
    words = words_of(query)
    spans = marks(name, words)
    assert all(0 <= begin < end <= len(name) for begin, end in spans)
    assert all(first[1] < second[0] for first, second in pairwise(spans))
    assert all(any(word in name.lower()[begin:end] for word in words) for begin, end in spans)
