from pages.text import words  #! no-benchmark


def test_words():
    assert words("some words") == ["some", "words"]
