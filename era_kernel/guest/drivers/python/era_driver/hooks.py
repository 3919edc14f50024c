"""Something to do right after a module was imported, without importing it: for modules that cells may use."""

import sys

_wanted = {}


class _Finder:
    """Lets the other finders find, and adds to the loader that one of them gave."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in _wanted:
            return None
        for finder in sys.meta_path:
            spec = None if finder is _Finder else finder.find_spec(name, path, target)
            if spec is not None:
                _act_after(name, spec.loader)
                return spec
        return None


def _act_after(name, loader):
    if loader is None or isinstance(loader, type):
        return

    def exec_module(module):
        del loader.exec_module
        loader.exec_module(module)
        action = _wanted.pop(name, None)
        if action is not None:
            action(module)

    loader.exec_module = exec_module


def when_imported(name, action):
    """Call action(module) when `name` has been imported for the first time; now if it has."""
    if name in sys.modules:
        action(sys.modules[name])
        return
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    _wanted[name] = action
