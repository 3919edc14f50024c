"""Something to do just after a module was imported, without importing it: for libraries that the user may have."""

import importlib.abc
import importlib.util
import sys

_WANTED = {}


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in _WANTED:
            return None
        action = _WANTED.pop(name)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            _WANTED[name] = action
            return None
        spec.loader = _Loader(spec.loader, action)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader, action):
        self._loader = loader
        self._action = action

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        self._action(module)

    def __getattr__(self, name):
        return getattr(self._loader, name)


def when_imported(name, action):
    """Call action(module) when `name` has been imported for the first time."""
    if not _WANTED:
        sys.meta_path.insert(0, _Finder())
    _WANTED[name] = action
