"""Reading the settings: the environment, the files of secrets and one TOML, with what is wrong said plainly.

What is handed in (a command's options) wins over the environment, that over a secret's file, that over the
TOML. A name that nobody knows stops the start: a misspelt setting is a setting that does not hold.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from service.settings import DEFAULT_STATE_DIR, PREFIX, Settings

CONFIG_VARIABLE = (
    f"{PREFIX}CONFIG"  # names the TOML; else scanside.toml in the state folder, where there is one
)
SECRETS = (
    "key",
    "database_url",
)  # also read from the file that SCANSIDE_<NAME>_FILE names, or systemd hands over
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # set by systemd; LoadCredential=scanside.key:PATH lays a file there
NOT_SETTINGS = frozenset(
    {
        CONFIG_VARIABLE,
        f"{PREFIX}DATA",
        f"{PREFIX}CACHE",
        f"{PREFIX}REQUIRE_PEERS",
    }  # the makers' and the tests'
)


class BadSettings(ValueError):
    """The settings cannot be used; the message has one line per complaint, and no secret."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and where each value came from."""

    settings: Settings
    origins: Mapping[str, str]  # field -> "given", a variable's name, a file's path; absent: the default


@dataclass(frozen=True, slots=True)
class Row:
    """One line of ``scanside settings``."""

    name: str
    value: str  # "(hidden)" for a secret
    origin: str


def load(given: Mapping[str, object] | None = None) -> Loaded:
    """Read everything once.

    Args:
        given: field -> value, what the command line said; ``None`` values count as not said.

    Raises:
        BadSettings: an unknown name, a value that does not fit, a file that cannot be read.

    """
    said = {name: value for name, value in (given or {}).items() if value is not None}
    unknown = unknown_variables(os.environ)
    if unknown:
        raise BadSettings("\n".join(unknown))
    variables = _from_environment()
    secrets = _from_secret_files(os.environ)
    both = sorted(variables.keys() & secrets.keys())
    if both:
        name = f"{PREFIX}{both[0].upper()}"
        raise BadSettings(f"{name} and {name}_FILE are both set: keep one")
    path = _config_path(said | variables)
    table = _from_toml(path) if path else {}
    try:
        settings = Settings.model_validate(table | secrets | variables | said)
    except ValidationError as error:
        raise BadSettings("\n".join(_complaints(error, path, table, said))) from None
    origins = dict.fromkeys(table, str(path))
    origins |= {name: named_by for name, (_, named_by) in _secret_files(os.environ).items()}
    origins |= {name: f"{PREFIX}{name.upper()}" for name in variables}
    return Loaded(settings, origins | dict.fromkeys(said, "given"))


def describe(loaded: Loaded) -> tuple[Row, ...]:
    """Every setting with its value and origin, secrets hidden; tables are taken apart."""
    rows: list[Row] = []
    for name in Settings.model_fields:
        origin = loaded.origins.get(name, "default")
        rows += [Row(key, text, origin) for key, text in _flat(name, getattr(loaded.settings, name))]
    return tuple(rows)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """One complaint for each ``SCANSIDE_*`` variable that is no setting."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    mine = sorted(name for name in environ if name.upper().startswith(PREFIX))
    return [f"{name}: unknown variable{_hint(name, known)}" for name in mine if name not in known]


def _from_environment() -> dict[str, object]:
    try:
        return dict(EnvSettingsSource(Settings)())
    except SettingsError as error:
        raise BadSettings(f"{error}: lists and tables are written as JSON there") from None


def _from_secret_files(environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, (path, named_by) in _secret_files(environ).items():
        try:
            found[name] = SecretStr(Path(path).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"{named_by}: cannot read {path} ({type(error).__name__})") from None
    return found


def _secret_files(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Find the file of each secret, and who names it: a variable of ours, or systemd's LoadCredential."""
    found: dict[str, tuple[str, str]] = {}
    for name in SECRETS:
        variable = f"{PREFIX}{name.upper()}_FILE"
        credential = Path(environ.get(CREDENTIALS, "/nonexistent")) / f"scanside.{name}"
        if path := environ.get(variable):
            found[name] = path, variable
        elif credential.exists():
            found[name] = str(credential), f"{CREDENTIALS}/{credential.name}"
    return found


def _config_path(said: Mapping[str, object]) -> Path | None:
    """Find the TOML to read; one that is named must exist."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    path = Path(str(said.get("state_dir", DEFAULT_STATE_DIR))).expanduser() / "scanside.toml"
    return path if path.exists() else None


def _from_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: not TOML: {error}") from None


def _complaints(
    error: ValidationError, path: Path | None, table: Mapping[str, object], said: Mapping[str, object]
) -> Iterable[str]:
    """Say what does not fit, where, without the value: it may be a secret."""
    text = path.read_text(encoding="utf-8") if path else ""
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        keys = [key for key in detail["loc"] if key not in {"dicom", "folder"} or len(detail["loc"]) == 1]
        name = ".".join(map(str, keys)) or "settings"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = f"unknown name{_hint(str(keys[-1]), _names_beside(keys))}"
        top = str(keys[0]) if keys else ""
        if path and top in table and top not in said and f"{PREFIX}{top.upper()}" not in os.environ:
            name = f"{path}, line {_line(text, keys)}: {name}"
        yield f"{name}: {message}"


def _line(text: str, keys: list[int | str]) -> int:
    """Find the line of a key in a TOML text; the nearest one that can be found."""
    lines = text.splitlines()
    at = 0
    for key, following in zip(keys, [*keys[1:], ""], strict=True):
        if isinstance(key, int):
            continue
        name = re.escape(key)
        pattern = re.compile(rf"""\s*(\[+\s*["']?{name}["']?\s*\]|["']?{name}["']?\s*=)""")
        hits = [n for n in range(at, len(lines)) if pattern.match(lines[n])]
        nth = following if isinstance(following, int) else 0
        at = hits[min(nth, len(hits) - 1)] if hits else at
    return at + 1


def _names_beside(keys: list[int | str]) -> Iterable[str]:
    """List the names that would have been known where an unknown one stands."""
    if len(keys) == 1:
        return Settings.model_fields
    shape = Settings.model_json_schema()
    tables = (definition.get("properties", {}) for definition in shape["$defs"].values())
    return {name for table in tables for name in table}


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _flat(name: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, SecretStr):
        yield name, "(hidden)"
    elif isinstance(value, BaseModel):
        for key, inner in value:
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for n, entry in enumerate(value):
            yield from _flat(f"{name}.{n}", entry)
    else:
        yield (
            name,
            "" if value is None else " ".join(map(str, value)) if isinstance(value, tuple) else str(value),
        )
