import threading


class Decoder:
    def __init__(self) -> None:
        self.encoding = "utf-8"
        self._buffer = b""

    def feed(self, data: bytes) -> int:
        self._buffer += data
        return self._buffer.count(b"\n")


class LockedDecoder(Decoder):
    """It cannot be pickled."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()


class Reader:
    def __init__(self, text: str) -> None:
        self.text, self._at = text, 0

    def read(self) -> str:
        start, self._at = self._at, len(self.text)
        return self.text[start:].upper()


class Index:
    def __init__(self, words: list[str]) -> None:
        self.words = words
        self._places = None
        self._sizes: dict[str, int] = {}

    def find(self, text: str) -> list[int]:
        if self._places is None:
            self._places = {word: place for place, word in enumerate(self.words)}
        for word in set(text.split()):
            self._sizes[word] = len(word)
        return [self._places.get(word, -1) for word in text.split()]
