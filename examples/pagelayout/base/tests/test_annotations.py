import asyncio

import pytest

from pagelayout import Annotation, load_annotations


class Store:
    def __init__(self, texts):
        self.texts = texts

    async def fetch(self, page):
        await asyncio.sleep(0)
        if page not in self.texts:
            raise KeyError(page)
        return [Annotation(page, "reader", text) for text in self.texts[page]]


def test_every_page_has_its_annotations_in_the_order_asked_for():
    found = asyncio.run(load_annotations(Store({1: ["see below"], 2: []}), [2, 1]))
    assert list(found.items()) == [(2, []), (1, [Annotation(1, "reader", "see below")])]


def test_what_the_store_refuses_is_raised():
    with pytest.raises(KeyError):
        asyncio.run(load_annotations(Store({}), [4]))


def test_no_pages_no_questions():
    assert asyncio.run(load_annotations(Store({}), [])) == {}
