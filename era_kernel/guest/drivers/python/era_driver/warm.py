"""The zygote: a driver that has loaded what sessions need, and forks spares that each become a session in a moment.

Without hardware virtualization an interpreter's start takes 0.3 s in the guest, a fork a few ms. What is said on the
zygote's sockets is written in guest/agent/warm.h. A session differs from one that was executed in this alone: the hash
seed of `str` is the zygote's, and so the same in all sessions, and in all VMs cloned from one template; and modules of
the standard library that the zygote has loaded are not shadowed by files of their names in the session's folder.
"""

import gc
import os
import sys
from _ast import PyCF_ONLY_AST
from _locale import LC_CTYPE, Error, setlocale
from _socket import AF_UNIX, CMSG_SPACE, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket, socketpair
from fcntl import F_DUPFD_CLOEXEC, fcntl
from select import POLLIN, poll
from signal import SIG_DFL, SIGINT, default_int_handler, signal
from time import sleep, tzset

_HOST = 3
_ANNOUNCEMENT = b"\1"
_TAKEN = b"\1"
_DRIVER = 2
_MAX_JOB = 1 << 20
_MAX_FDS = 6
_ERROR, _LIFE = 5, 6  # places of the fds to the agent and to the zygote, after the session's own
_DONE = bytes(4)
_PAUSE = 1.0
_SETTLED = 0.4  # a fork costs tens of ms under emulation, which the session's first cell can use better
_ENVIRONMENT = ("LANG", "LC_ALL", "LC_CTYPE", "PATH")
_NOT_STARTED = 127
_BROKEN = 70

# Never what is not Python's own: the user may install another version. Not ctypes, which would make the driver flush
# C's streams at each message, nor multiprocessing, which makes a secret when it is imported.
_MODULES = (
    *("era_driver." + name for name in ("aio", "bundle", "complete", "completeness", "figures", "inspection", "names")),
    *("era_driver." + name for name in ("reseed", "scan", "shell", "tracebacks")),
    *("argparse", "ast", "asyncio", "base64", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime"),
    *("decimal", "enum", "fractions", "functools", "glob", "gzip", "hashlib", "inspect", "io", "itertools", "json"),
    *("linecache", "logging", "math", "operator", "pathlib", "pickle", "platform", "pprint", "random", "re", "secrets"),
    *("shlex", "shutil", "statistics", "string", "subprocess", "tempfile", "textwrap", "threading", "time"),
    *("traceback", "typing", "urllib.parse", "uuid", "warnings", "zipfile"),
)


def become_session():
    """Serve as the zygote for ever; what returns is a session, in a process of its own, with all that is its own."""
    signal(SIGINT, SIG_DFL)
    _load()
    before = _installed()
    gc.collect()
    gc.freeze()
    while True:
        try:
            job = _next_spare()
        except OSError:  # no memory or no pid for one more
            _pause(None)
            continue
        if job is not None:
            return _start(*job, before)


def _load():
    from importlib import import_module

    path = sys.path[:]
    sys.path[:] = [entry for entry in path if entry]
    for name in _MODULES:
        import_module(name)
    sys.path[:] = path


def _installed():
    """What an interpreter looks at when it starts, and the interpreter: where these are others, it has to start."""
    import site

    folders = [(folder, _files(folder)) for folder in site.getsitepackages()]
    environment = [os.environ.get(name) for name in _ENVIRONMENT]
    return folders, environment, _version(sys.executable), _version(os.__file__)


def _files(folder):
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith((".pth", "customize.py"))]
    except OSError:
        return None
    return [(name, _version(folder + "/" + name)) for name in sorted(names)]


def _version(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


# ---- the zygote


def _next_spare():
    """Fork a spare and wait until it has a job, or died. In the zygote None; in the spare its job."""
    go, let_go = os.pipe()
    life, living = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        for fd in (go, let_go, life, living):
            os.close(fd)
        raise
    if pid == 0:
        os.close(let_go)
        os.close(life)
        _leave_family()
        return _wait_for_job(go, living)
    os.close(go)
    os.close(living)
    os.waitpid(pid, 0)
    os.close(let_go)
    _pause(life)
    if os.read(life, 1):
        _let_settle()
    else:
        sleep(_PAUSE)
    os.close(life)
    return None


def _leave_family():
    """Go on in a child that is the agent's as soon as this process, which the zygote waits for, has ended."""
    try:
        pid = os.fork()
    except OSError:
        os._exit(_BROKEN)
    if pid != 0:
        os._exit(0)


def _pause(fd):
    """Wait until there is something on the fd, for _PAUSE without one; end when the agent is gone."""
    waiting = poll()
    waiting.register(_HOST, 0)
    if fd is not None:
        waiting.register(fd, POLLIN)
    if _HOST in dict(waiting.poll(_PAUSE * 1000 if fd is None else None)):
        os._exit(0)


def _let_settle():
    """Leave the CPU to the session that has begun, unless somebody waits for the next one."""
    waiting = poll()
    waiting.register(_HOST, POLLIN)
    if waiting.poll(_SETTLED * 1000) and not os.read(_HOST, 1):
        os._exit(0)


# ---- a spare


def _wait_for_job(go, living):
    """(the payload of SPAWN, the fds) for this process, once it is known to the agent."""
    try:
        os.read(go, 1)
        os.close(go)
        os.setsid()
        _rehearse()
        ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        host = socket(fileno=_HOST)
        with memoryview(theirs.fileno().to_bytes(4, sys.byteorder)) as fds:
            host.sendmsg([_ANNOUNCEMENT], [(SOL_SOCKET, SCM_RIGHTS, fds)])
        host.close()
        theirs.close()
        payload, control, _, _ = ours.recvmsg(_MAX_JOB, CMSG_SPACE(_MAX_FDS * 4))
        ours.close()
        if not payload:
            os._exit(0)
        ((_, _, data),) = control
        return payload, [*memoryview(data)[: len(data) // 4 * 4].cast("i"), living]
    except BaseException:
        _break()


def _rehearse():
    """Do once what a session does first: memory is copied as it is written to, now instead of then."""
    from era_driver import bundle, wire

    _installed()
    _refresh(sys.orig_argv)
    os.environb.update(dict(os.environb))
    data, _ = bundle.bundle(0)
    wire._decoded(bytearray("".join(wire._encode({"type": "", "id": "", "content": data}, 0)).encode()))
    for mode in ("exec", "eval"):
        eval(compile(compile("0", "", mode, PyCF_ONLY_AST), "", mode), {})


def _break():
    """End a spare that failed, with a word for the console."""
    import traceback

    traceback.print_exc()
    os._exit(_BROKEN)


# ---- a session


def _start(payload, fds, before):
    """Make this process the session of a job, as if it had been executed."""
    try:
        cwd, argv, environment = _parsed(payload)
        _place(fds, payload[1] & _DRIVER)
        _enter(cwd, environment)
        if _installed() != before:
            os.write(_ERROR, _DONE)
            os.write(_LIFE, _TAKEN)
            _or_tell(os.execvpe, argv[0], argv, os.environb)
        _refresh(argv)
        os.write(_ERROR, _DONE)
        os.write(_LIFE, _TAKEN)  # not sooner: while the zygote forks, it takes the CPU from this process
        os.closerange(_ERROR, _LIFE + 1)
        signal(SIGINT, default_int_handler)
    except BaseException:
        _break()


def _parsed(payload):
    """The folder, the arguments and the environment out of a SPAWN's payload."""
    argc, envc = (int.from_bytes(payload[at : at + 2], "big") for at in (6, 8))
    cwd, *strings = payload[10:].split(b"\0")[:-1]
    assert len(strings) == argc + envc
    return cwd, strings[:argc], dict(each.split(b"=", 1) for each in strings[argc:] if b"=" in each)


def _place(fds, is_driver):
    """Have the fds where they belong, and no others."""
    places = [0, 1, 2, 3, 4, _ERROR, _LIFE] if is_driver else [0, 1, 2, _ERROR, _LIFE]
    sources = [fcntl(fd, F_DUPFD_CLOEXEC, _LIFE + 1) for fd in fds]
    os.closerange(3, _LIFE + 1)
    for source, place in zip(sources, places, strict=True):
        os.dup2(source, place, inheritable=place < _ERROR)
    os.closerange(_LIFE + 1, os.sysconf("SC_OPEN_MAX"))


def _enter(cwd, environment):
    _or_tell(os.chdir, cwd)
    os.environb.clear()
    os.environb.update(environment)


def _or_tell(function, *arguments):
    """Call it; when that fails end, and have the agent say so as of a program that could not be executed."""
    try:
        function(*arguments)
    except OSError as error:
        os.write(_LIFE, _TAKEN)
        os.write(_ERROR, error.errno.to_bytes(4, sys.byteorder))
        os._exit(_NOT_STARTED)


def _refresh(argv):
    """What an interpreter does, or finds, when it starts."""
    from era_driver import reseed

    reseed.reseed()
    tzset()
    try:
        setlocale(LC_CTYPE, "")
    except Error:  # the environment names one that is not installed
        pass
    if threading := sys.modules.get("threading"):
        threading.main_thread()._set_native_id()  # it stays the zygote's, else
    sys.orig_argv = [os.fsdecode(each) for each in argv]
