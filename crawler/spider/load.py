"""From what a user names (a file, a class, a bare name) to a spider that is ready to start.

Owns finding, importing and choosing. What goes wrong in a user's file is told as `SpiderLoadError`, whose `trace`
begins at their file.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import linecache
import re
import sys
from collections.abc import Sequence
from hashlib import blake2b
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from crawler.errors import SpiderLoadError, UsageError
from crawler.spider.base import Spider
from crawler.spider.module_spider import is_module_spider, spider_class
from crawler.spider.trace import shown, tell

_LOOKS_LIKE = """a spider looks like this:

    start_urls = ["https://example.com/"]

    def parse(page):
        yield {"title": page.css("title::text").get()}
        for url in page.links(pattern="/films/"):
            yield page.follow(url)"""

_spider_folders: set[str] = set()


def load(target: str, arguments: dict[str, str]) -> Spider:
    """The spider that `target` names, with its arguments.

    `target` is a file ("spiders/maoyan.py"), a class in one ("spiders/maoyan.py:Board"), or the bare name of a file in
    the folder `spiders` ("maoyan"). Raises `SpiderLoadError` if it cannot be found, imported or told apart, and
    `UsageError` for arguments that do not fit.
    """
    return _instance(named(target), arguments)


def build(spider: Spider | type[Spider] | ModuleType | Path | str, arguments: dict[str, Any]) -> Spider:
    """A spider from whatever the Python API is given: an instance, a class, a module, or what `load` takes."""
    return build_all([spider], arguments)[0]


def build_all(spiders: Sequence[Any], arguments: dict[str, Any]) -> list[Spider]:
    """The spiders of a run, each from what `build` takes, and each with those of the arguments that it has.

    Raises `UsageError` for an argument that none of them has.
    """
    found = [_found(spider) for spider in spiders]
    known = [one.arguments() if isinstance(one, type) else {} for one in found]
    unknown = {name for name in arguments if not any(name in its for its in known)}
    return [
        _built(one, {name: value for name, value in arguments.items() if name in its or name in unknown})
        for one, its in zip(found, known, strict=True)
    ]


def _found(spider: Any) -> Spider | type[Spider]:
    if isinstance(spider, (str, Path)):
        return named(str(spider))
    if isinstance(spider, ModuleType):
        return _class_in(spider, "", spider.__name__.rpartition(".")[2])
    if isinstance(spider, Spider) or (isinstance(spider, type) and issubclass(spider, Spider)):
        return spider
    raise UsageError(f"{spider!r} is not a spider: give a Spider class, an instance, a module or the path of a file")


def _built(spider: Spider | type[Spider], arguments: dict[str, Any]) -> Spider:
    if isinstance(spider, type):
        return _instance(spider, arguments)
    if arguments:
        names = ", ".join(arguments)
        raise UsageError(f"arguments ({names}) for a spider that is built already: give its class, or pass them to it")
    return _checked(spider)


def named(target: str) -> type[Spider]:
    """The class of the spider that `target` names, without arguments. Raises as `load` does."""
    path, class_name = _locate(target)
    return _class_in(import_file(path), class_name, path.stem)


def import_file(path: Path) -> ModuleType:
    """A fresh module from a spider file. Its folder is importable meanwhile first, later last.

    The module stays in `sys.modules` under a name made from its path, equal in all processes, so that its classes can
    be pickled. Raises `SpiderLoadError` for any exception of the file, `SystemExit` too.
    """
    path = path.resolve()
    digest = blake2b(str(path).encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    name = f"{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{digest}"
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent)
    _forget_helpers_of_other_folders(folder)
    linecache.checkcache(str(path))
    sys.modules[name] = module
    sys.path.insert(0, folder)
    try:
        # Compiled here and not by the loader, which may take a stale .pyc for a file changed within the same second.
        exec(loader.source_to_code(path.read_bytes(), str(path)), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _load_error(path, error) from None
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
        if folder not in sys.path:
            # Last, so that a helper called like a library (json.py) hides it from nobody but the spider's own imports.
            sys.path.append(folder)
    return module


def _forget_helpers_of_other_folders(folder: str) -> None:
    """Two folders may each have a `helpers.py`: the one beside the spider is meant."""
    for name, module in list(sys.modules.items()):
        home = str(Path(getattr(module, "__file__", None) or "/").parent)
        if "." not in name and home != folder and home in _spider_folders and (Path(folder) / f"{name}.py").exists():
            del sys.modules[name]
    _spider_folders.add(folder)
    importlib.invalidate_caches()


def _load_error(path: Path, error: BaseException) -> SpiderLoadError:
    told = tell(error, home=str(path))
    where = told.where or shown(str(path))
    hint = ""
    if isinstance(error, SystemExit):
        hint = 'a spider file is imported: put what ends the program under if __name__ == "__main__":'
    elif isinstance(error, ModuleNotFoundError):
        hint = f"is {error.name} installed here? Files beside the spider can be imported by their name"
    elif isinstance(error, ImportError) and "relative import" in told.message:
        hint = "files beside the spider are imported by their name: from helpers import ..."
    message = f": {told.message}" if told.message else ""
    return SpiderLoadError(f"{where}: {type(error).__name__}{message}", hint=hint, trace=told.trace)


def _locate(target: str) -> tuple[Path, str]:
    """The file a target names, and the class in it ("" if it names none)."""
    name, colon, class_name = target.rpartition(":")
    if not colon or not class_name.isidentifier() or Path(target).is_file():
        name, class_name = target, ""
    path = Path(name)
    if path.suffix != ".py" and path.name == name:
        path = Path("spiders") / f"{name}.py"
    if path.is_file():
        return path, class_name
    if path.is_dir():
        raise SpiderLoadError(
            f"{name} is a folder, not a spider", hint=_choices(path, "") or "there is no .py file in it"
        )
    elsewhere = Path("spiders") / path.name
    if elsewhere.is_file():
        raise SpiderLoadError(f"there is no file {path}", hint=f"did you mean {elsewhere}?")
    hint = _choices(Path("spiders"), path.stem)
    raise SpiderLoadError(
        f"there is no file {path}", hint=hint or "give the path of a spider file, or its name if it lies in spiders/"
    )


def _choices(folder: Path, wanted: str) -> str:
    """What to say about the spider files in a folder, or "" if it has none."""
    stems = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    close = difflib.get_close_matches(wanted, stems, n=1, cutoff=0.5)
    if close:
        return f"did you mean {folder / close[0]}.py?"
    return f"files in {folder}: {', '.join(stems)}" if stems else ""


def _class_in(module: ModuleType, class_name: str, stem: str) -> type[Spider]:
    """The spider class a module means. Sets its name to `stem` if it has none and is the only one."""
    file = shown(module.__file__ or module.__name__)
    classes = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Spider) and value is not Spider
    }
    if class_name and class_name not in classes:
        known = f"it has {', '.join(classes)}" if classes else _LOOKS_LIKE
        raise SpiderLoadError(f"{file} has no spider class {class_name}", hint=known)
    own = [value for value in classes.values() if value.__module__ == module.__name__]
    # A class that another one in the file is made from is a base, not a choice.
    leaves = [value for value in own if not any(other is not value and issubclass(other, value) for other in own)]
    if len(leaves) == 1 and not leaves[0].is_named:
        leaves[0].name = stem  # however it was asked for, so that its runs are found together
    if class_name:
        return classes[class_name]
    if len(leaves) > 1:
        names = ", ".join(leaf.__name__ for leaf in leaves)
        raise SpiderLoadError(f"{file} has several spiders: {names}", hint=f"name one: {file}:{leaves[0].__name__}")
    if leaves:
        return leaves[0]
    if is_module_spider(module):
        return spider_class(module, stem)
    if callable(getattr(module, "parse", None)):
        raise SpiderLoadError(f"{file} has parse() but neither start_urls nor start()", hint=_LOOKS_LIKE)
    raise SpiderLoadError(f"{file} has no spider in it", hint=_LOOKS_LIKE)


def _instance(spider: type[Spider], arguments: dict[str, Any]) -> Spider:
    try:
        return _checked(spider(**arguments))
    except UsageError:
        raise
    except Exception as error:  # of the user's own __init__
        told = tell(error)
        place = f"{told.where}: " if told.where else f"{spider.__name__}: "
        raise SpiderLoadError(f"{place}{type(error).__name__}: {told.message}", trace=told.trace) from None


def _checked(spider: Spider) -> Spider:
    spider.check()
    if isinstance(spider.start_urls, str):
        raise UsageError(
            f"start_urls of spider {spider.name} is one string, not a list",
            hint=f"write start_urls = [{spider.start_urls!r}]",
        )
    kind = type(spider)
    if not spider.has_parse and kind.start is Spider.start:
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        close = difflib.get_close_matches("parse", [name for name, it in vars(kind).items() if callable(it)], n=1)
        raise SpiderLoadError(
            f"{shown(file) + ': ' if file else ''}spider {kind.__name__} has neither parse(self, page) nor start(self)",
            hint=f"did you mean parse where it says {close[0]}?"
            if close
            else "write one that yields items and requests",
        )
    return spider
