"""The manifest of a comparison: an item for each head and benchmark."""

from __future__ import annotations

import yaml

from tasks.ref_comparison.manifest import RefComparison
from tasks.ref_comparison.sides import NamedCommit, Sides
from tasks.workspace.repository import Repository, RepositoryKey

BASE, HEAD = NamedCommit("main", "a" * 40), NamedCommit("HEAD", "b" * 40)


def test_several_benchmarks_are_items_named_after_their_tests(tmp_path):
    repository = Repository(RepositoryKey(str(tmp_path), "main", "acme/sums"), folder=tmp_path, cache=tmp_path)
    settings = [{"benchmark": name} for name in ("a/test_x.py::test_fast", "b/test_x.py::test_fast", "test_y.py")]
    sides = Sides(repository, BASE, (HEAD,), base_is_named=False)
    comparison = RefComparison(sides, settings, {"budget": 1})
    assert list(comparison.items) == ["test_fast", "test_fast-2", "test_y"]
    assert set(comparison.heads.values()) == {HEAD}
    path = comparison.write()
    written = yaml.safe_load(path.read_text())
    assert [each["benchmark"] for each in written["optimizations"]] == [each["benchmark"] for each in settings]
    assert comparison.write() == path
    assert list(RefComparison(sides, settings[:1], {}).items) == ["HEAD"]
