"""The database behind a URL: its engine, and the types of its columns. No row in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from crawler.errors import UsageError
from crawler.output_name import masked

if TYPE_CHECKING:
    import sqlalchemy as sa

# Drivers that are called otherwise where they are installed from.
_PACKAGES = {"MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary", "psycopg": "'psycopg[binary]'"}
_KEY_LENGTH = 100  # of the name of a run


def database(url: str, table: str) -> tuple[sa.Engine, str, str | None, str]:
    """The engine of a URL, its password (so that no message tells it), the schema and the name of the table.

    Nothing is connected to yet. Raises `UsageError` for a URL that cannot be meant, and where a library is missing.
    """
    try:
        import sqlalchemy as sa
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    except ImportError:
        raise UsageError(
            f"{masked(url)} needs the extra sql, which is not installed",
            hint="pip install 'crawler[sql]', and the driver of the database, such as psycopg",
        ) from None
    address, _, fragment = url.partition("#")
    if address.startswith("postgres://"):  # what others still write
        address = address.replace("postgres", "postgresql", 1)
    try:
        parsed = sa.make_url(address)
        query = dict(parsed.query)
        named = query.pop("table", "")
        parsed = parsed.set(query=query)
        engine = _engine(parsed)
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        raise UsageError(
            f"{masked(url)} needs the driver {error.name}, which is not installed", hint=f"pip install {package}"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError, TypeError) as error:
        told = str(error).replace(url, masked(url)).replace(address, masked(address))
        raise UsageError(
            f"cannot write {masked(url)}: {told}",
            hint="databases are written as postgresql+psycopg://USER@HOST/DATABASE#table, sqlite:///FILE#table",
        ) from None
    schema, _, name = (fragment or str(named) or table).rpartition(".")
    return engine, parsed.password or "", schema or None, name


def types() -> dict[str, Any]:
    """The types of columns, by what they hold."""
    import sqlalchemy as sa

    return {
        "key": sa.String(_KEY_LENGTH),
        "bool": sa.Boolean(),
        "int": sa.BigInteger(),
        "float": sa.Double(),
        "text": sa.Text(),
        "json": sa.JSON(none_as_null=True),
    }


def sql_of(kind: str, dialect: sa.Dialect) -> str:
    """The type of a column as the database writes it."""
    return str(types()[kind].compile(dialect))


def kind_of_type(kind: Any) -> str:
    """What a column of that type holds."""
    import sqlalchemy as sa

    if isinstance(kind, sa.Boolean):
        return "bool"
    if isinstance(kind, sa.Integer):
        return "int"
    if isinstance(kind, sa.Float | sa.Numeric):
        return "float"
    return "json" if isinstance(kind, sa.JSON) else "text"


def _engine(url: sa.URL) -> sa.Engine:
    import sqlalchemy as sa

    options: dict[str, Any] = {
        "poolclass": sa.NullPool,
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
    }
    try:
        return sa.create_engine(url, **options)
    except ModuleNotFoundError:
        if url.drivername != "postgresql":
            raise
        return sa.create_engine(url.set(drivername="postgresql+psycopg"), **options)  # the newer of two drivers
