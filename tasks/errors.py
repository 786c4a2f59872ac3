"""The errors that prprep raises. This module imports no other module of prprep."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass


class PrprepError(Exception):
    """One message: what went wrong, the place (file with line and column, item or command), and a hint how to fix it.

    `exit_code` is doit's: 1 for a failure that the user can fix, 3 for a wrong manifest or command. `kind` names the
    class, also of an error that another machine raised.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint, self.kind = what, where, hint, type(self).__name__
        super().__init__(what)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.hint}" if self.hint else head


_HINTS = {
    errno.ENOSPC: "free space there, or name other folders in TMPDIR and PRPREP_CACHE, and run again",
    errno.EDQUOT: "free some of your quota there, and run again",
    errno.EROFS: "make it writable, and run again",
    errno.EACCES: "give this user access to it, and run again",
    errno.EPERM: "give this user access to it, and run again",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`), and run again",
    errno.ENAMETOOLONG: "shorten the name, and run again",
}


class SystemCallError(PrprepError):
    """The operating system refused something: a full disk, a file that is gone or must not be read."""

    def __init__(self, error: OSError) -> None:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        reason = error.strerror or str(error) or type(error).__name__
        hint = _HINTS.get(error.errno or 0, "fix it and run again")
        super().__init__(reason, where=" -> ".join(names), hint=f"{hint}; finished work is kept")


class LinkError(PrprepError):
    """A symbolic link is where prprep would write or remove files."""

    exit_code = 3


class OutputError(PrprepError):
    """A file of the user is where prprep would write one."""


class RepositoryError(PrprepError):
    """The repository, or something in it, does not match the manifest."""


class CherryPickError(RepositoryError):
    """Commits could not be cherry-picked; `files` are the conflicts."""

    def __init__(self, what: str, *, files: tuple[str, ...] = (), where: str = "", hint: str = "") -> None:
        self.files = files
        super().__init__(what, where=where, hint=hint)


class SourceError(PrprepError):
    """A file of the repository is malformed, or is not valid Python for the running interpreter."""


class EnvironmentBuildError(PrprepError):
    """An environment for one side of a comparison could not be built."""


class MeasuringError(PrprepError):
    """A benchmark failed, or ran differently on the two sides.

    Long lines are cut: a value in them may be as long as the benchmark's input.
    """

    LONGEST_LINE = 300

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__("\n".join(map(self._cut, what.splitlines())), where=where, hint=hint)

    def _cut(self, line: str) -> str:
        excess = len(line) - self.LONGEST_LINE
        return line if excess <= 0 else f"{line[: self.LONGEST_LINE]} … ({excess:,} more characters)"


class ProvenanceError(MeasuringError):
    """A measured module was not imported from its side's tree."""


class UnreachedError(PrprepError):
    """The benchmark does not execute the changed code."""


class UnequalInputsError(PrprepError):
    """The benchmark reads a file that differs between base and head, and that is not what is compared."""


class IncomparableError(PrprepError):
    """The samples of the two sides are not comparable."""


class TemplateError(PrprepError):
    """A template cannot be read or has an unknown placeholder."""


class ArtifactError(PrprepError):
    """An artifact is missing, truncated, or of another schema version."""


class ArchiveError(PrprepError):
    """An archive is broken, or not one that prprep would write."""

    exit_code = 3


class JobError(PrprepError):
    """An item cannot be packed as a job, or a result was made from other inputs than the item has now."""


class ClusterError(PrprepError):
    """A scheduler cannot be reached, or a job was lost with a worker or the scheduler."""


class BusyError(PrprepError):
    """Another prprep holds the lock of the folder or the machine."""


class NeedsReviewError(PrprepError):
    """An item waits for a person's decision; nothing failed."""


class GitHubError(PrprepError):
    """GitHub did not answer, so nothing is known about its pull requests."""


class UsageError(PrprepError):
    """A command was called with wrong arguments."""

    exit_code = 3


class CommandFailedError(PrprepError):
    """A program failed, was killed, or ran into the time limit.

    `code` is the exit code, negative for a signal, None if the program did not start or `timed_out`;
    `output` and `error` are the two streams, decoded with replacement.
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
        timed_out: bool = False,
    ) -> None:
        self.command, self.code, self.output, self.error, self.timed_out = command, code, output, error, timed_out
        ending = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        tail = "\n".join((error.strip() or output.strip()).splitlines()[-12:])
        super().__init__(f"`{' '.join(command)}` {reason or ending}" + (f":\n{tail}" if tail else ""), hint=hint)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a manifest: 1-based line and column, 0 for the whole file.

    `caret` is the column in the excerpt if not `column`: a long line is cut, and characters differ in width.
    """

    message: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    suggestion: str = ""
    caret: int = 0

    def render(self, file: str) -> str:
        """Format as `file:line:column: message`, followed by the line and a caret."""
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        hint = f" ({self.suggestion})" if self.suggestion else ""
        lines = [f"{place}: {self.message}{hint}"]
        if self.excerpt:
            number = f"{self.line:>5} | "
            lines.append(number + self.excerpt)
            lines.append(" " * (len(number) - 2) + "| " + " " * ((self.caret or self.column) - 1) + "^")
        return "\n".join(lines)


class ManifestError(PrprepError):
    """All mistakes of a manifest at once."""

    exit_code = 3
    MOST_SHOWN = 50

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file, self.problems = file, problems
        ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
        shown = [problem.render(file) for problem in ordered[: self.MOST_SHOWN]]
        if (more := len(problems) - len(shown)) > 0:
            shown.append(f"... and {more:,} more, which are shown once these are fixed")
        summary = f"{len(problems):,} problem{'' if len(problems) == 1 else 's'} in {file}; nothing was run"
        super().__init__("\n".join([*shown, summary]))
