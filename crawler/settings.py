"""The settings of a run: typed sections, merged from layers, each value knowing where it came from.

The keys, defaults and their meaning live in one place, `config/default.toml`; the classes here give
them types. Raises `SettingsError` with the nearest known name for a key that does not exist.
"""

from __future__ import annotations

import enum
import math
import os
import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from crawler.errors import SettingsError
from crawler.host_table import HostSettings
from crawler.secrets import shown


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the sections: read-only, and no key that is not declared."""


class Crawl(Section, frozen=True):
    workers: int
    concurrency: int
    pool: Literal["process", "thread", "inline"]
    parse_in: Literal["main", "pool"]
    start_method: Literal["auto", "forkserver", "spawn", "fork"]
    linger: float
    worker_timeout: float
    stop_grace: float
    parse_timeout: float


class Limits(Section, frozen=True):
    max_pages: int
    max_items: int
    max_time: float
    max_depth: int
    max_errors: int
    stop_after_errors: int
    max_links: int
    max_tags: int
    max_url: int
    allow_empty: bool


class Politeness(Section, frozen=True):
    per_host: int
    delay: float
    jitter: float
    adaptive: bool
    max_delay: float
    max_retry_after: float
    host_key: Literal["name", "address"]


class Breaker(Section, frozen=True):
    failures: int
    pause: float
    max_pause: float
    give_up: int


class Robots(Section, frozen=True):
    obey: bool
    max_size: int
    max_age: float
    max_crawl_delay: float
    times: int
    pause: float


class Scope(Section, frozen=True):
    allowed_hosts: list[str]
    include: list[str]
    exclude: list[str]
    nofollow: bool
    skip_extensions: list[str]


class Url(Section, frozen=True):
    sort_query: bool
    drop_tracking: bool
    drop_sessions: bool
    drop_parameters: list[str]


class Traps(Section, frozen=True):
    max_segments: int
    max_repeats: int
    max_queries: int
    max_years: int
    max_sessions: int
    max_chain: int
    max_alike: int


class Fetch(Section, frozen=True):
    client: Literal["requests", "curl"]
    user_agent: str
    headers: dict[str, str]
    timeout: float
    connect_timeout: float
    read_timeout: float
    max_body: int
    max_headers: int
    max_ratio: int
    accept_status: list[int]
    max_threads: int
    verify: bool
    proxy: str


class Guard(Section, frozen=True):
    only: list[str]
    allow: list[str]


class Retry(Section, frozen=True):
    times: int
    status: list[int]
    pause: float
    max_pause: float
    jitter: float
    methods: list[str]
    host_budget: int
    host_budget_share: float


class Redirect(Section, frozen=True):
    max_hops: int
    downgrade: bool
    secret_headers: list[str]


class Cache(Section, frozen=True):
    mode: Literal["off", "always", "rfc9111"]
    folder: str
    max_age: float


class Download(Section, frozen=True):
    folder: str
    max_size: int
    types: list[str]
    timeout: float


class Items(Section, frozen=True):
    pipelines: list[str]


class Drift(Section, frozen=True):
    watch: bool
    strict: bool
    accept: bool
    reread: bool


class Output(Section, frozen=True):
    meta: bool
    format: str
    formulas: Literal["keep", "escape"]
    fields: list[str]
    sort: list[str]
    append: bool
    batch_items: int


class Run(Section, frozen=True):
    durability: Literal["process", "power"]
    keep: int
    keep_pages: Literal["no", "failed", "all"]
    record: str
    replay: str


class Log(Section, frozen=True):
    level: Literal["debug", "info", "warning", "error"]
    file: str


class Settings(Section, frozen=True):
    """All sections. Build it with `merge`, not by hand."""

    host: list[HostSettings]
    crawl: Crawl
    limits: Limits
    politeness: Politeness
    breaker: Breaker
    robots: Robots
    scope: Scope
    url: Url
    traps: Traps
    fetch: Fetch
    guard: Guard
    retry: Retry
    redirect: Redirect
    cache: Cache
    download: Download
    items: Items
    drift: Drift
    output: Output
    run: Run
    log: Log


Flat = dict[str, Any]  # {"politeness.delay": 2.0}


class Layer(msgspec.Struct, frozen=True):
    """Settings from one source. `source` is shown to people: "--delay", "config/fast.toml"."""

    source: str
    values: Flat


def merge(layers: Iterable[Layer]) -> Settings:
    """The settings of the defaults overlaid with `layers`, weakest first.

    Raises `SettingsError` for an unknown key or a value that does not fit, naming the layer it came from.
    """
    defaults = default_layer()
    values = dict(defaults.values)
    sources = dict.fromkeys(values, defaults.source)
    for layer in layers:
        for key, value in layer.values.items():
            if key not in values:
                raise _unknown(key, layer.source, values)
            converted = _converted(key, value, layer.source)
            # The stronger layer's tables are asked first; none at all are instead of the weaker ones.
            values[key] = converted + values[key] if key == "host" and converted else converted
            sources[key] = layer.source
    settings = msgspec.convert(nested(values), Settings, strict=False)
    _check_ranges(values, sources)
    agent = settings.fetch.user_agent.replace("{version}", version())
    return msgspec.structs.replace(settings, fetch=msgspec.structs.replace(settings.fetch, user_agent=agent))


def flat(tree: Mapping[str, Any], source: str) -> Layer:
    """A layer from nested tables or dotted keys, or a mix: `{"politeness": {"delay": 2}, "fetch.timeout": 5}`."""
    values: Flat = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and "." not in key:
            values.update({f"{key}.{name}": inner for name, inner in value.items()})
        else:
            values[key] = value
    return Layer(source, values)


def nested(values: Flat) -> dict[str, Any]:
    """The inverse of `flat`: one dict per section."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        section, dot, name = key.partition(".")
        if dot:
            tree.setdefault(section, {})[name] = value
        else:
            tree[key] = value
    return tree


def default_layer() -> Layer:
    """`config/default.toml` as it is shipped."""
    return file_layer(shipped("default"))


def file_layer(path: Path) -> Layer:
    """A TOML file. Raises `SettingsError` if it cannot be read."""
    import tomllib  # workers are given their settings

    try:
        return flat(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as error:
        names = ", ".join(sorted(file.stem for file in shipped("default").parent.glob("*.toml")))
        raise SettingsError(
            f"cannot read the settings file {path}: {error.strerror}", hint=f"shipped ones are: {names}"
        ) from None
    except ValueError as error:  # TOMLDecodeError is one, and UnicodeDecodeError
        raise SettingsError(f"{path} is not valid TOML: {error}") from None


def config_layer(name: str) -> Layer:
    """What `--config` names: a file, or one of the shipped ones by its bare name (`fast`, `polite`)."""
    path = Path(name)
    if not path.exists() and path.name == name and shipped(name).exists():
        path = shipped(name)
    return file_layer(path)


def project_layer(folder: Path) -> Layer:
    """`[tool.crawl]` of the `pyproject.toml` in `folder`; empty where there is none.

    Raises `SettingsError` if the file or that table is broken.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        return Layer(str(path), {})
    tree = file_layer(path).values
    table = tree.get("tool.crawl", {})
    if not isinstance(table, Mapping):
        raise SettingsError(f"tool.crawl in {path} is not a table", hint="write [tool.crawl.politeness] and so on")
    return flat(table, f"[tool.crawl] in {path}")


def environment_layers(environment: Mapping[str, str]) -> list[Layer]:
    """`CRAWL_<SECTION>_<KEY>` variables, one layer each so that an error names the variable."""
    layers = []
    for name, text in environment.items():
        section, _, key = name.removeprefix("CRAWL_").lower().partition("_")
        if name.startswith("CRAWL_") and section in Settings.__struct_fields__:
            layers.append(Layer(name, {f"{section}.{key}" if key else section: text}))
    return layers


def shipped(name: str) -> Path:
    """The path of a settings file that comes with the package."""
    inside = Path(__file__).parent / "config" / f"{name}.toml"
    return inside if inside.exists() else Path(__file__).parent.parent / "config" / f"{name}.toml"


def version() -> str:
    """The installed version of this package, or "0" when it runs from a bare source tree."""
    from importlib import metadata

    try:
        return metadata.version("crawler")
    except metadata.PackageNotFoundError:
        return "0"


def cores() -> int:
    """CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _converted(key: str, value: Any, source: str) -> Any:
    kind = _type_of(key)
    plain = value
    if isinstance(value, str) and msgspec.inspect.type_info(kind).__class__.__name__ in ("ListType", "DictType"):
        plain = _list_or_table(value)
    try:
        return msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as error:
        choices = choices_of(kind)
        told = f"it is one of {', '.join(choices)}" if choices else str(error)
        raise SettingsError(f"{key} = {shown(key, value)} does not fit ({source}): {told}") from None


def _type_of(key: str) -> Any:
    if key == "host":
        return list[HostSettings]
    section, _, name = key.partition(".")
    kind = Settings.__annotations__  # the section classes, as strings under postponed evaluation
    section_class = globals()[str(kind[section])]
    return next(field.type for field in msgspec.structs.fields(section_class) if field.name == name)


def is_network(text: str) -> bool:
    """Whether this is a network in CIDR notation, or an address."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def choices_of(kind: Any) -> list[str]:
    """The values that a `Literal`, an `Enum`, or a union of such types allows, as people type them; else none."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [str(member.value) for member in kind]
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return [choice for member in get_args(kind) for choice in choices_of(member)]


def _list_or_table(text: str) -> Any:
    """A list given as text: JSON, or values separated by commas."""
    stripped = text.strip()
    if stripped.startswith(("[", "{")):
        try:
            return msgspec.json.decode(stripped)
        except msgspec.DecodeError:
            return text
    return [part.strip() for part in stripped.split(",") if part.strip()]


def _unknown(key: str, source: str, known: Flat) -> SettingsError:
    close = [name for name in known if name.partition(".")[2] == key.rpartition(".")[2]]
    if not close:
        import difflib

        close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"settings are: {', '.join(sorted(known))}"
    return SettingsError(f"there is no setting {key!r} ({source})", hint=hint)


_AT_LEAST_ONE = (
    "crawl.concurrency", "politeness.per_host", "fetch.max_threads", "fetch.max_body", "fetch.max_headers",
    "fetch.max_ratio", "robots.max_size", "robots.times", "breaker.give_up", "limits.max_links", "limits.max_url",
)  # fmt: skip


_AT_MOST = {
    "crawl.workers": 256,
    "fetch.max_threads": 4096,
    "crawl.parse_timeout": 1_000_000,
    "politeness.jitter": 1,
    "retry.jitter": 1,
}


def _check_ranges(values: Flat, sources: dict[str, str]) -> None:
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if isinstance(value, float) and not math.isfinite(value):
            raise SettingsError(f"{key} = {value} is no number that can be meant ({sources[key]})")
        lowest = 1 if key in _AT_LEAST_ONE else -1 if key == "limits.max_depth" else 0
        if not value >= lowest:
            raise SettingsError(f"{key} = {value} is too small ({sources[key]}): at least {lowest}")
    for key, most in _AT_MOST.items():
        if values[key] > most:
            raise SettingsError(f"{key} = {values[key]} is too much ({sources[key]}): at most {most}")
    if not values["fetch.user_agent"].strip():
        raise SettingsError(
            f"fetch.user_agent is empty ({sources['fetch.user_agent']}), and hosts want to know who asks them",
            hint='for example: "mybot/1.0 (+https://example.org/bot)"',
        )
    for network in values["guard.only"]:
        if not is_network(network):
            raise SettingsError(
                f"guard.only: {network!r} is no network ({sources['guard.only']})", hint="write it as 127.0.0.0/8"
            )
    for kind in values["download.types"]:
        if "/" not in kind:
            raise SettingsError(
                f"download.types: {kind!r} is no content type ({sources['download.types']})",
                hint="write it as application/pdf or image/*",
            )
    for key in ("scope.include", "scope.exclude"):
        for pattern in values[key]:
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as error:
                raise SettingsError(
                    f"{key}: {pattern!r} is no regular expression ({sources[key]}): {error}",
                    hint="what . ? + * ( ) [ ] { } ^ $ | mean in a URL needs a \\ before it",
                ) from None
    for key in ("fetch.timeout", "fetch.connect_timeout", "fetch.read_timeout", "crawl.linger", "crawl.worker_timeout"):
        if values[key] <= 0:
            raise SettingsError(f"{key} = {values[key]} has to be more than 0 ({sources[key]})")
