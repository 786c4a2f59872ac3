from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.body.skeleton import ReleaseNote, fill_skeleton, parts_of
from tasks.text.outline import outline
from tasks.text.repair import repaired

NOTE = ReleaseNote("Merge lines faster", "Merge \\*lines\\* faster", "text")
BODY = """**time −20 %**: 3 ms less.

## How to reproduce

```sh
## run this
```

## Summary

- Join once

## Results

### `test_a`

| a | b |
|---|---|
| 1 | 2 |

<details>
<summary>more</summary>

### `test_b`

#### Memory

folded

</details>

## Tests

- it ran

## Environment

A machine

---

Prepared with prprep.
"""


def placed(template: str, *, body: str = BODY, note: ReleaseNote | None = NOTE) -> str:
    return fill_skeleton(template, body, own_title="Performance", note=note)


def headings(text: str) -> list[tuple[int, str]]:
    tokens = MarkdownIt("commonmark").parse(text)
    return [
        (int(token.tag[1]), tokens[index + 1].content)
        for index, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def is_kept(template: str, whole: str) -> bool:
    """Return whether every line of the template that is not blank is there, in order."""
    rest = iter(whole.split("\n"))
    return all(any(line == other for other in rest) for line in template.split("\n") if line.strip())


FULL = """<!-- hello -->

## Related issue

closes #1

## What does this change?

<!-- Please describe. -->

## How was it tested?

- [ ] by hand

## Benchmarks

Paste them here.

## Changelog

```release-note
...
```

## Checklist

- [ ] I have read everything

<!-- the end -->
"""


def test_parts_go_to_the_sections_of_their_meaning():
    whole = placed(FULL)
    assert headings(whole) == [
        (2, "Related issue"),
        (2, "What does this change?"),
        (2, "How was it tested?"),
        (3, "Tests"),
        (2, "Benchmarks"),
        (3, "How to reproduce"),
        (3, "Results"),
        (4, "`test_a`"),
        (4, "`test_b`"),
        (5, "Memory"),
        (3, "Environment"),
        (2, "Changelog"),
        (2, "Checklist"),
    ]
    assert is_kept(FULL.replace("...\n", ""), whole)
    assert "<!-- Please describe. -->\n\n**time −20 %**: 3 ms less.\n\n- Join once\n\n## How" in whole
    assert "```release-note\nMerge lines faster\n```" in whole
    assert whole.endswith("<!-- the end -->\n\n---\n\nPrepared with prprep.\n")


def test_parts_without_a_section_go_together_between_description_and_checklist():
    whole = placed("# Summary\n\n<!-- tell us -->\n\n# Check List\n\n- [ ] done\n")
    assert headings(whole) == [
        (1, "Summary"), (1, "Performance"), (2, "How to reproduce"), (2, "Results"), (3, "`test_a`"), (3, "`test_b`"), (4, "Memory"),
        (2, "Tests"), (2, "Environment"), (1, "Check List"),
    ]  # fmt: skip
    assert "## run this" in whole


def test_a_single_part_without_a_section_needs_no_heading_above_it():
    body = "Fast.\n\n## Summary\n\n- Join once\n\n## Changelog\n\nFor `CHANGES.md`\n\n---\n\nfooter\n"
    assert headings(placed("### Description\n\n### Checklist\n\n- [ ] x\n", body=body)) == [
        (3, "Description"),
        (3, "Changelog"),
        (3, "Checklist"),
    ]


def test_the_deepest_levels_become_lines_in_bold():
    whole = placed("##### Description\n\n##### Checklist\n\n- [ ] x\n")
    assert [level for level, _ in headings(whole)] == [5, 5, 6, 6, 6, 6, 5]
    assert "\n**`test_a`**\n" in whole


@pytest.mark.parametrize("template", ["", "\n\n", "---\nname: x\n---\n", "\r\n"])
def test_an_empty_template_leaves_the_body(template):
    assert placed(template) == BODY


def test_without_headings_the_body_follows_the_template():
    assert placed("<!-- Only a comment. -->\r\nRemove it.\r\n") == f"<!-- Only a comment. -->\nRemove it.\n\n{BODY}"


def test_without_headings_boxes_follow_the_body():
    assert placed("- [ ] closes #1\n- [ ] whatsnew entry") == f"{BODY}\n- [ ] closes #1\n- [ ] whatsnew entry\n"


def test_without_a_description_the_text_before_the_first_heading_takes_it():
    whole = placed("<!-- description goes here -->\n\n### Release note\n\n### Checklist\n")
    assert whole.startswith(
        "<!-- description goes here -->\n\n**time −20 %**: 3 ms less.\n\n- Join once\n\n### Performance\n\n#### How"
    )


def test_with_boxes_alone_the_description_comes_first():
    whole = placed("## Checklist\n\n- [ ] x\n")
    assert [title for _, title in headings(whole)][:2] == ["Summary", "Performance"]
    assert headings(whole)[-1] == (2, "Checklist")


def test_notes_between_marks_are_listed_by_part_of_the_project():
    template = "#### Notes\n\n<!-- BEGIN RELEASE NOTES -->\n\n<!-- END RELEASE NOTES -->\n"
    whole = placed(template)
    assert "<!-- BEGIN RELEASE NOTES -->\n\n* text\n  * Merge \\*lines\\* faster\n\n<!-- END RELEASE NOTES -->" in whole
    assert "* text" not in placed(template, note=None)


def test_a_release_note_that_somebody_wrote_stays():
    template = "## Note\n\n```release-note\nNONE\n```\n\n## Other\n"
    assert "```release-note\nNONE\n```" in placed(template)


def test_nothing_of_ours_goes_into_a_folded_part():
    template = "# Summary\n\n<details>\n\n# Inside\n\nhidden\n\n</details>\n\n# Checklist\n"
    whole = placed(template)
    assert is_kept(template, whole)
    assert (
        whole.index("</details>") < whole.index("Join once") < whole.index("# Performance") < whole.index("# Checklist")
    )


@pytest.mark.parametrize(
    "template",
    [
        "# Summary\n\n```\nopen\n\n# Tests",
        "# Summary\n\n<!-- open\n\n# Tests",
        "# Summary\n\n<details>\n<summary>open\n\n# Tests\n\nx",
        "- <!-- open\n\n# Summary",
        "<pre>\n# Summary",
        "<div><table><tr><td>\n\n# Summary\n\ntext",
        "# Summary\n\n---\n\n# Tests\n\n---\n",
        "Summary\n=======\n\ntext\n\nTests\n-----\n\n- one\n",
        "# Summary <!-- a -->\n\n> quoted\n> # deep\n\n# Tests\n",
        "\ufeff# Summary\n\n1. [ ] a\n\n   ```\n   b",
    ],
)
def test_hostile_templates_hide_nothing_of_ours(template):
    whole = placed(template)
    html = MarkdownIt("commonmark").enable("table").render(whole)
    seen = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    assert "<li>Join once</li>" in seen
    assert "<li>it ran</li>" in seen
    assert seen.count("<table>") - template.count("<table>") == 1
    before = seen[: seen.index("Join once")]
    assert before.count("<details") == before.count("</details")
    assert before.count("<pre") == before.count("</pre")
    assert seen.rstrip().endswith("<p>Prepared with prprep.</p>")


def test_headings_of_ours_never_skip_a_level_below_the_templates():
    for level, other in itertools.product(range(1, 7), range(1, 7)):
        whole = placed(f"{'#' * level} Description\n\n{'#' * other} Tests\n\n- x\n")
        levels = [found for found, _ in headings(whole)]
        assert all(
            after <= before + 1 for before, after in itertools.pairwise(levels) if (before, after) != (level, other)
        ), levels


PIECES = st.sampled_from(
    [
        "# Summary", "## Tests", "### Benchmarks", "#### Checklist", "Changelog\n---", "text", "- [ ] box", "  - nested", "> quote", "```", "~~~~",
        "<!-- c -->", "<!--", "-->", "<details>", "</details>", "<summary>s</summary>", "<div>", "</div>", "---", "| a | b |", "|---|---|", "1. one",
        "    code", "<pre>", "</pre>", "\t- tab", "***", "<?x", "<![CDATA[", "<script>", "</script>", "`a", "",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14))
def test_any_template_stays_and_our_text_is_there(pieces):
    template = "\n".join(pieces)
    whole = placed(template)
    assert is_kept(repaired(template), whole)
    parts, footer = parts_of(BODY)
    ours = {line for part in parts for line in part.text.split("\n") if line.strip() and not line.startswith("#")} | {
        footer
    }
    assert ours <= set(whole.split("\n"))
    # GitHub knows no front matter in a body: a blank line keeps the outline from taking a rule at the top for one.
    titles = {section.title for section in outline("\n" + repaired(template)).sections if section.title}
    assert titles <= {section.title for section in outline("\n" + whole).sections}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        (
            "Fixes #\n\nChanges proposed:\n\n* \n* \n",
            "Fixes #\n\nChanges proposed:\n\n* Join once\n* Copy less\n\n**2x**\n",
        ),
        ("## Summary\n\n- \n-\n\n## Other\n", "## Summary\n\n- Join once\n- Copy less\n\n**2x**\n\n## Other\n"),
        (
            "## Summary\n\n- why\n\n## Other\n",
            "## Summary\n\n- why\n\n**2x**\n\n- Join once\n- Copy less\n\n## Other\n",
        ),
        ("## Checklist\n\n- \n\n## Other\n", "**2x**\n\n- Join once\n- Copy less\n\n## Checklist\n\n- \n\n## Other\n"),
        (
            "## Summary\n\nFixes #:\n\n- \n\nIn short:\n\n  +\n  +\nThat is all.\n",
            "## Summary\n\nFixes #:\n\n- \n\nIn short:\n\n+ Join once\n+ Copy less\n\nThat is all.\n\n**2x**\n",
        ),
        (
            "<details>\n\n- \n\n</details>\n",
            "<details>\n\n- \n\n</details>\n\n**2x**\n\n- Join once\n- Copy less\n",
        ),
        ("Reviewers:\n\n- \n", "Reviewers:\n\n- \n\n**2x**\n\n- Join once\n- Copy less\n"),
        (
            "## Summary\n\n- [ ]\n- [ ] \n\n* \n  * \n\n1. \n",
            "## Summary\n\n- [ ]\n- [ ] \n\n* \n  * \n\n1. \n\n**2x**\n\n- Join once\n- Copy less\n",
        ),
    ],
    ids=[
        "without headings",
        "in the description",
        "not empty",
        "elsewhere",
        "after a list for something else",
        "folded",
        "only for something else",
        "boxes, nested and numbered lists",
    ],
)
def test_bullets_fill_a_list_of_empty_ones(template, filled):
    assert fill_skeleton(template, "**2x**\n\n- Join once\n- Copy less\n", own_title="Performance") == filled
