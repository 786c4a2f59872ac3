"""Every way in which prprep refuses or gives up; imports nothing of prprep."""

from __future__ import annotations

from dataclasses import dataclass, field


class PrprepError(Exception):
    """Say in one message what went wrong, where, and what to do about it.

    `where` names a file with line and column, an item, or a command; `hint` is the way out.
    `exit_code` is doit's: 1 something failed that the user can mend, 3 a wrong manifest or command.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(what)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.hint}" if self.hint else head


class RepositoryError(PrprepError):
    """The target repository, or something in it, is not what the manifest says."""


class CherryPickError(RepositoryError):
    """Commits could not be put onto another; `files` are those in conflict."""

    def __init__(self, what: str, *, files: tuple[str, ...] = (), where: str = "", hint: str = "") -> None:
        self.files = files
        super().__init__(what, where=where, hint=hint)


class SourceError(PrprepError):
    """A file of the target cannot be read as Python by the running interpreter."""


class EnvironmentBuildError(PrprepError):
    """An environment for one side of a comparison could not be built."""


class MeasuringError(PrprepError):
    """A benchmark did not run, or not in the same way on both sides.

    Lines of the target's output are cut to a readable length: a value in them may be as long as the benchmark's input.
    """

    LONGEST_LINE = 300

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__("\n".join(self._cut(line) for line in what.splitlines()), where=where, hint=hint)

    def _cut(self, line: str) -> str:
        left_out = len(line) - self.LONGEST_LINE
        return line if left_out <= 0 else f"{line[: self.LONGEST_LINE]} … ({left_out:,} more characters)"


class ProvenanceError(MeasuringError):
    """A module that was measured does not come from its side's tree."""


class UnreachedError(PrprepError):
    """The benchmark executes nothing of what changed."""


class IncomparableError(PrprepError):
    """The samples of the two sides cannot be held against each other."""


class TemplateError(PrprepError):
    """A template names a placeholder that nothing fills, or cannot be read."""


class ArtifactError(PrprepError):
    """An artifact is missing, cut short, or of another schema version."""


class BusyError(PrprepError):
    """Another prprep holds the folder or the machine."""


class NeedsReviewError(PrprepError):
    """An item waits for a person: nothing failed, and nothing can go on without them."""


class GitHubError(PrprepError):
    """The forge that pull requests go to gave no answer; nothing follows from that about what it holds."""


class UsageError(PrprepError):
    """A command was called in a way that it does not have."""

    exit_code = 3


class CommandFailedError(PrprepError):
    """A program ended with an error, was killed, or ran out of time.

    `code` is its exit code, negative for a signal, None where it never started or was stopped by
    the time limit; `output` and `error` are the two streams, decoded with replacement.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        *,
        code: int | None,
        output: str = "",
        error: str = "",
        reason: str = "",
        hint: str = "",
    ) -> None:
        self.command, self.code, self.output, self.error = command, code, output, error
        told = reason or (
            f"ended with exit code {code}" if code is None or code >= 0 else f"was killed by signal {-code}"
        )
        tail = "\n".join((error.strip() or output.strip()).splitlines()[-12:])
        what = f"`{' '.join(command)}` {told}" + (f":\n{tail}" if tail else "")
        super().__init__(what, hint=hint)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a manifest: 1-based line and column, 0 where it belongs to the whole file.

    `caret` is the column of the excerpt as it is shown, where that is not `column`: a long line is cut, and
    some characters are wider than others.
    """

    message: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    suggestion: str = ""
    caret: int = 0

    def render(self, file: str) -> str:
        """Return the message as `file:line:column: message`, the line below it, and a caret."""
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        hint = f" ({self.suggestion})" if self.suggestion else ""
        lines = [f"{place}: {self.message}{hint}"]
        if self.excerpt:
            number = f"{self.line:>5} | "
            lines.append(number + self.excerpt)
            lines.append(" " * (len(number) - 2) + "| " + " " * ((self.caret or self.column) - 1) + "^")
        return "\n".join(lines)


@dataclass
class ManifestError(PrprepError):
    """Everything that is wrong with a manifest, all at once."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    exit_code = 3

    def __post_init__(self) -> None:
        super().__init__(f"{len(self.problems)} problem(s) in {self.file}")

    def __str__(self) -> str:
        count = len(self.problems)
        summary = f"{count} problem{'' if count == 1 else 's'} in {self.file}; nothing was run"
        ordered = sorted(self.problems, key=lambda problem: (problem.line, problem.column))
        return "\n".join([*(problem.render(self.file) for problem in ordered), summary])
