"""Fill templates in a sandbox; a user's template replaces the shipped one of the same name."""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TemplateError
from ..storage.paths import shipped_templates

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment

_INCLUDING_TAG = re.compile(r"{%[-+]?\s*(?:include|extends|import|from)\b(.*?)%}", re.DOTALL)
_LITERAL = re.compile(r"""(["'])(.*?)\1""")
_ERRORS_OF_EXPRESSIONS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_UNDEFINED = re.compile(r"'(\w+)' is undefined")


def fill(
    name: str,
    values: Mapping[str, object],
    own: Path | None = None,
    *,
    filters: Mapping[str, Callable[..., object]] | None = None,
    finish: Callable[[object], object] | None = None,
) -> str:
    """Fill the template `name`, from the user's `own` folder if it is there; `finish` converts every printed value.

    Values are never read as templates. Raise TemplateError, with the template's line, for an undefined name and any
    other mistake in the template.
    """
    import jinja2

    environment = _environment(own, finish)
    environment.filters.update(filters or {})
    try:
        return environment.get_template(name).render(values)
    except jinja2.TemplateSyntaxError as error:
        where = f"{_shown(error.filename or error.name or name, own)}:{error.lineno}"
        raise TemplateError(f"this template cannot be read: {error.message}", where=where) from None
    except jinja2.TemplateNotFound as error:
        raise _not_found(str(error.name or name), name, own) from None
    except jinja2.UndefinedError as error:
        raise _undefined(error, values, where=_position(error, name, own)) from None
    except (jinja2.TemplateError, *_ERRORS_OF_EXPRESSIONS) as error:
        what = f"this template cannot be filled: {type(error).__name__}: {error}"
        raise TemplateError(what, where=_position(error, name, own)) from error


def used(name: str, own: Path | None = None) -> tuple[Path, ...]:
    """Return the files that filling the template `name` can read, sorted; a computed include can read all templates."""
    paths: dict[str, Path] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        path = _find(current, own)
        if current not in paths and path is not None:
            paths[current] = path
            waiting += _included(path.read_text(encoding="utf-8", errors="replace"), own)
    return tuple(sorted(paths.values()))


def _environment(own: Path | None, finish: Callable[[object], object] | None) -> "Environment":
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def finalize(value: Any) -> Any:
        return value if finish is None or isinstance(value, jinja2.Undefined) else finish(value)

    return ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in _folders(own)]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown and Python, not HTML: `finish` escapes
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_compiled(finish),
    )


@cache
def _compiled(finish: Callable[[object], object] | None) -> "BytecodeCache":  # noqa: ARG001 # applied to constants when compiled
    """Return the compiled templates of this process: compiling takes ten times as long as filling."""
    import jinja2

    class Compiled(jinja2.BytecodeCache):
        def __init__(self) -> None:
            self._code: dict[tuple[str, str], Any] = {}

        def load_bytecode(self, bucket: Any) -> None:
            bucket.code = self._code.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Any) -> None:
            self._code[bucket.key, bucket.checksum] = bucket.code

    return Compiled()


def _folders(own: Path | None) -> list[Path]:
    return [folder for folder in (own, shipped_templates()) if folder]


def _find(name: str, own: Path | None) -> Path | None:
    return next((folder / name for folder in _folders(own) if (folder / name).is_file()), None)


def _all_names(own: Path | None) -> set[str]:
    return {path.name for folder in _folders(own) for path in folder.glob("*.j2")}


def _included(text: str, own: Path | None) -> set[str]:
    """Return the templates that `text` includes, extends or imports (without jinja2), all for a computed name."""
    names: set[str] = set()
    for tag in _INCLUDING_TAG.finditer(text):
        literals = {literal[2] for literal in _LITERAL.finditer(tag[1])}
        is_literal = literals and all(_find(literal, own) for literal in literals)
        names |= literals if is_literal else _all_names(own)
    return names


def _shown(file: str, own: Path | None) -> str:
    """Return the path of a user's template, the name of a shipped one."""
    return file if own and file.startswith(str(own)) else file.rpartition("/")[2]


def _position(error: BaseException, name: str, own: Path | None) -> str:
    """Return the file and line of the innermost template that the error passed through."""
    folders = tuple(map(str, _folders(own)))
    position, frame = name, error.__traceback__
    while frame:
        file = frame.tb_frame.f_code.co_filename
        if file.startswith(folders):
            position = f"{_shown(file, own)}:{frame.tb_lineno}"
        frame = frame.tb_next
    return position


def _not_found(missing: str, name: str, own: Path | None) -> TemplateError:
    near = difflib.get_close_matches(missing, sorted(_all_names(own)), n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"looked in {' and '.join(map(str, _folders(own)))}"
    return TemplateError(f"there is no template `{missing}`", where=name if name != missing else "", hint=hint)


def _undefined(error: Exception, values: Mapping[str, object], *, where: str) -> TemplateError:
    undefined = _UNDEFINED.search(str(error))
    if not undefined:
        return TemplateError(f"a placeholder has no value: {error}", where=where)
    near = [f"`{name}`" for name in difflib.get_close_matches(undefined[1], values)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known placeholders: {', '.join(sorted(values))}"
    return TemplateError(f"the placeholder `{undefined[1]}` has no value", where=where, hint=hint)
