"""Names of modules and of what is in them, for completion; nothing is imported."""

import ast
import pkgutil
import sys
from importlib.machinery import PathFinder


def modules(dotted):
    """Full names of the modules that go on from a dotted prefix."""
    parent, _, prefix = dotted.rpartition(".")
    if parent:
        return [f"{parent}.{name}" for name in _submodules(parent) if _fits(name, prefix)]
    pool = {each.name for each in pkgutil.iter_modules()} | set(sys.builtin_module_names)
    pool |= {name for name in sys.modules if "." not in name}
    return [name for name in pool if _fits(name, prefix)]


def members(dotted):
    """What can be imported from a module: its names if it is loaded, else those that its source binds at the top."""
    loaded = sys.modules.get(dotted)
    if loaded is not None:
        return [*dir(loaded), *_submodules(dotted)]
    return [*_bound(_spec(dotted)), *_submodules(dotted)]


def _fits(name, prefix):
    return name.startswith(prefix) and (bool(prefix) or not name.startswith("_"))


def _submodules(dotted):
    loaded = sys.modules.get(dotted)
    if loaded is None:
        spec = _spec(dotted)
        path = spec.submodule_search_locations if spec is not None else None
    else:
        path = getattr(loaded, "__path__", None)
        if path is None and dotted in sys.modules:  # os.path
            return [name.rpartition(".")[2] for name in sys.modules if name.rpartition(".")[0] == dotted]
    return [each.name for each in pkgutil.iter_modules(path)] if path else []


def _spec(dotted):
    """The spec of a module that is not loaded; its parents are found, not imported."""
    path, spec = None, None
    parts = dotted.split(".")
    for count in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:count]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations or []
    return spec


def _bound(spec):
    try:
        tree = ast.parse(spec.loader.get_source(spec.name))
    except Exception:  # no source, or one that is no Python
        return
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names if alias.name != "*")
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names = [each.id for target in _targets(node) for each in ast.walk(target) if isinstance(each, ast.Name)]
            yield from names
            if names == ["__all__"] and isinstance(node.value, (ast.List, ast.Tuple)):
                yield from (each.value for each in node.value.elts if isinstance(each, ast.Constant))


def _targets(node):
    return node.targets if isinstance(node, ast.Assign) else [node.target]
