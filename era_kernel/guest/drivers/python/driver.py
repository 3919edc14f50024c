"""The python driver: runs in the guest, evaluates cells, speaks Jupyter message contents on fds 3 and 4.

Standard library only, Python 3.9 or newer. `python3 -I driver.py`: the folder of this file never stays on sys.path.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_USER_PREFIX = sys.pycache_prefix
if _HERE.startswith("/.era/"):
    # The drivers' folder is read-only: byte code goes to the VM's own disk, so that later starts do not compile.
    sys.pycache_prefix = "/var/cache/era-driver"
sys.path.insert(0, _HERE)

from era_driver.loop import main  # noqa: E402

sys.path[0] = ""
sys.pycache_prefix = _USER_PREFIX
main()
