"""The python driver: runs in the guest, evaluates cells, speaks Jupyter message contents on fds 3 and 4.

With --warm it is the zygote, which forks drivers (see era_driver/warm.py).

Standard library only, Python 3.9 or newer. What a plain cell does not need is imported when it is needed: without
hardware virtualization each millisecond here is nine in the guest.
"""

import sys
from _frozen_importlib_external import FileFinder, SourceFileLoader
from _imp import source_hash

_HERE = __file__.rpartition("/")[0] or "."
# The drivers' folder is read-only in the guest: byte code goes to the VM's own disk.
_CACHE = "/var/cache/era-driver" if _HERE.startswith("/.era/") else sys.pycache_prefix


class _Loader(SourceFileLoader):
    """Byte code of the driver alone in _CACHE, known by the source's hash: an initramfs gives every file time 0."""

    def path_stats(self, path):
        source = self.get_data(path)
        return {"mtime": int.from_bytes(source_hash(0, source)[:4], "little"), "size": len(source)}

    def get_code(self, fullname):
        before, sys.pycache_prefix = sys.pycache_prefix, _CACHE
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix = before


for _folder in (_HERE, _HERE + "/era_driver"):
    sys.path_importer_cache[_folder] = FileFinder(_folder, (_Loader, [".py"]))
sys.path[:] = [_HERE, "", *(entry for entry in sys.path if entry not in ("", _HERE))]

from era_driver.loop import main  # noqa: E402

del sys.path[0]
if sys.argv[1:] == ["--warm"]:
    from era_driver.warm import become_session

    become_session()
main()
