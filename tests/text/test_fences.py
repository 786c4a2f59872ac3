from __future__ import annotations

import pytest

from tasks.text.fences import SHELLS, blocks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```sh\nls\n```\n", ("ls\n",)),
        ("~~~ bash title=x\nls\n\ncd ..\n~~~\n", ("ls\n\ncd ..\n",)),
        ("```python\nprint()\n```\n", ()),
        ("```\nls\n```\n", ()),
        ("    ls\n", ()),
        ("- one:\n\n  ```sh\n  ls\n  ```\n", ("ls\n",)),
        ("> ```sh\n> ls\n> ```\n", ("ls\n",)),
        ("<details>\n<summary>More</summary>\n\n```sh\nls\n```\n\n</details>\n", ("ls\n",)),
        ("````text\n```sh\nls\n```\n````\n", ()),
        ("<!--\n```sh\nls\n```\n-->\n", ()),
        ("```sh\na\n```\n\ntext `b`\n\n```shell\nc\n```\n", ("a\n", "c\n")),
    ],
)
def test_the_blocks_that_a_reader_sees(text, found):
    assert blocks(text, SHELLS) == found
