from __future__ import annotations

import pytest

from tasks.text.repair import repaired


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\n```py\nx", "# A\n\n```py\nx\n```"),
        ("````\n```\nx", "````\n```\nx\n````"),
        ("- ~~~\n  x\n\n# B", "- ~~~\n  x\n  ~~~\n\n# B"),
        ("> ```\n> q\n\nafter", "> ```\n> q\n> ```\n\nafter"),
        ("<!-- a\n# B", "<!-- a\n# B -->"),
        ("- <!-- a\n\n# B", "- <!-- a -->\n\n# B"),
        ("<details>\n\n# A\n", "<details>\n\n# A\n\n</details>"),
        ("<details><summary>x\n\nb", "<details><summary>x\n\nb\n\n</summary>\n</details>"),
        ("<details/>\n\nb", "<details/>\n\nb\n\n</details>"),
        ("<pre>\n# a", "<pre>\n# a</pre>"),
        ("text <b>bold\n\nmore", "text <b>bold\n\nmore\n\n</b>"),
        ("<br>\n\n<img src=x>\n\n<p>\n\ntext", "<br>\n\n<img src=x>\n\n<p>\n\ntext"),
        ("<!-- whole -->\n\n# A", "<!-- whole -->\n\n# A"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("---\nname: x\nabout: y\n---\n# A", "# A"),
        ("---\n\nonly a rule", "---\n\nonly a rule"),
        ("", ""),
    ],
)
def test_open_blocks_are_closed_and_nothing_else_changes(text, expected):
    assert repaired(text) == expected
    assert repaired(expected) == expected
