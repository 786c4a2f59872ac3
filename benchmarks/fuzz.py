"""Run the property tests with thousands of examples each, new ones every time.

    python -m benchmarks.fuzz [PYTEST ARGUMENTS]

The suite runs them with a few fixed examples. A failure prints the example; add it to the test with `@example`.
"""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"


def main() -> int:
    modules = [str(path) for path in sorted(TESTS.rglob("test_*.py")) if "@given(" in path.read_text(encoding="utf-8")]
    options = ["--hypothesis-profile=many", "-m", "hypothesis", *sys.argv[1:]]
    return subprocess.run([sys.executable, "-m", "pytest", *options, *modules], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
