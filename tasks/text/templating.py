"""Fill templates in a sandbox, a user's own before those that prprep brings along."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TemplateError
from ..storage.paths import shipped_templates

if TYPE_CHECKING:
    from jinja2 import Environment

_SUFFIX = ".j2"
_READS = re.compile(r"{%[-+]?\s*(?:include|extends|import|from)\b(.*?)%}", re.DOTALL)
_LITERAL = re.compile(r"""(["'])(.*?)\1""")
_UNKNOWN = re.compile(r"'(\w+)' is undefined")


def fill(
    name: str,
    values: Mapping[str, object],
    shadows: Path | None = None,
    *,
    filters: Mapping[str, Callable[..., object]] | None = None,
    finish: Callable[[object], object] | None = None,
) -> str:
    """Fill the template `name` with `values`; `finish` is given every value before it is printed.

    Values are never read as templates. Raise TemplateError, with the template's line, for a name that nothing
    fills and for anything else that is wrong with the template.
    """
    import jinja2

    environment = _environment(shadows, finish)
    environment.filters.update(filters or {})
    try:
        return environment.get_template(name).render(values)
    except jinja2.TemplateSyntaxError as error:
        file = _shown(error.filename or error.name or name, shadows)
        raise TemplateError(f"this template cannot be read: {error.message}", where=f"{file}:{error.lineno}") from None
    except jinja2.TemplateNotFound as error:
        raise _missing(str(error.name or name), name, shadows) from None
    except jinja2.UndefinedError as error:
        raise _unfilled(error, values, where=_place(error, name, shadows)) from None
    except (
        jinja2.TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        what = f"this template cannot be filled: {type(error).__name__}: {error}"
        raise TemplateError(what, where=_place(error, name, shadows)) from error


def used(name: str, shadows: Path | None = None) -> tuple[Path, ...]:
    """Return every template file that filling `name` can read, sorted; what includes by a computed name can read all.

    Of a template that a user shadows, only the user's file counts.
    """
    found: dict[str, Path] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        path = _find(current, shadows)
        if current in found or path is None:
            continue
        found[current] = path
        waiting += _named_in(path.read_text(encoding="utf-8", errors="replace"), shadows)
    return tuple(sorted(found.values()))


def _environment(shadows: Path | None, finish: Callable[[object], object] | None) -> Environment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def finalize(value: Any) -> Any:
        return value if finish is None or isinstance(value, jinja2.Undefined) else finish(value)

    return ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in _folders(shadows)]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # markdown and Python, not HTML: `finish` escapes
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _folders(shadows: Path | None) -> list[Path]:
    return [folder for folder in (shadows, shipped_templates()) if folder]


def _find(name: str, shadows: Path | None) -> Path | None:
    return next((folder / name for folder in _folders(shadows) if (folder / name).is_file()), None)


def _all_names(shadows: Path | None) -> set[str]:
    return {path.name for folder in _folders(shadows) for path in folder.glob(f"*{_SUFFIX}")}


def _named_in(text: str, shadows: Path | None) -> set[str]:
    """Return the templates that `text` names in include, extends and import."""
    names: set[str] = set()
    for tag in _READS.finditer(text):
        literals = {literal[2] for literal in _LITERAL.finditer(tag[1])}
        computed = not literals or any(_find(literal, shadows) is None for literal in literals)
        names |= _all_names(shadows) if computed else literals
    return names


def _shown(file: str, shadows: Path | None) -> str:
    """Spell a template's file as a user knows it: by name where it is ours, by path where it is theirs."""
    return file if shadows and file.startswith(str(shadows)) else file.rpartition("/")[2]


def _place(error: BaseException, name: str, shadows: Path | None) -> str:
    """Find the innermost template line that the error passed through."""
    folders = tuple(str(folder) for folder in _folders(shadows))
    place, frame = name, error.__traceback__
    while frame:
        file = frame.tb_frame.f_code.co_filename
        if file.startswith(folders):
            place = f"{_shown(file, shadows)}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place


def _missing(missing: str, asked: str, shadows: Path | None) -> TemplateError:
    near = difflib.get_close_matches(missing, sorted(_all_names(shadows)), n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"looked in {' and '.join(map(str, _folders(shadows)))}"
    return TemplateError(f"there is no template `{missing}`", where=asked if asked != missing else "", hint=hint)


def _unfilled(error: Exception, values: Mapping[str, object], *, where: str) -> TemplateError:
    """Say which placeholder nothing fills, and which names come near."""
    unknown = _UNKNOWN.search(str(error))
    if not unknown:
        return TemplateError(f"nothing fills this placeholder: {error}", where=where)
    near = difflib.get_close_matches(unknown[1], values, n=3, cutoff=0.6)
    hint = (
        f"did you mean {' or '.join(f'`{name}`' for name in near)}?"
        if near
        else f"there are: {', '.join(sorted(values))}"
    )
    return TemplateError(f"nothing fills the placeholder `{unknown[1]}`", where=where, hint=hint)
