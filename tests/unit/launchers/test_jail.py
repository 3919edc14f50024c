"""The jail: what its command line holds, and what a program in it finds."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import ToolFailedError
from era_kernel.launchers import host
from era_kernel.launchers.jail import JAIL_UID, Bind, Jail, JailNetwork, jail_argv
from tests.unit.launchers.support import PLAIN_USER, TOOLS, jail_network, jailed_shell

NETWORK = JailNetwork(Path("/dev/net/tun"), Path("/etc/resolv.conf"))
TRUE = ("/usr/bin/true",)


class TestCommandLine:
    @pytest.mark.parametrize("network", [None, NETWORK])
    def test_every_jail_is_closed_and_dies_with_its_parent(self, root: bool, network: JailNetwork | None) -> None:
        argv = jail_argv(Jail(TOOLS, root, (), network), TRUE)
        assert {"--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session", "--clearenv"} <= set(argv)
        assert argv[argv.index("--cap-drop") + 1] == "ALL"
        assert argv[-1] == "/usr/bin/true"

    def test_without_network_there_is_a_namespace_of_its_own_and_no_proc(self, root: bool) -> None:
        argv = jail_argv(Jail(TOOLS, root, ()), TRUE)
        assert "--unshare-net" in argv
        assert "--proc" not in argv
        assert TOOLS.pasta not in argv

    def test_a_network_is_pastas_with_every_way_to_the_host_closed(self, root: bool) -> None:
        argv = jail_argv(Jail(TOOLS, root, (), NETWORK), TRUE)
        pasta = argv[argv.index(TOOLS.pasta) :]
        assert "--no-map-gw" in pasta
        for option in ("--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns"):
            assert pasta[pasta.index(option) + 1] == "none"
        assert pasta[-4:] == (TOOLS.unshare, "--user", "--", *TRUE)

    def test_capabilities_are_kept_only_where_setpriv_drops_them(self) -> None:
        as_root = jail_argv(Jail(TOOLS, True, ()), TRUE)
        assert "--bounding-set=-all" in as_root[as_root.index(TOOLS.setpriv) :]
        assert "--cap-add" not in jail_argv(Jail(TOOLS, False, ()), TRUE)


class TestInside:
    def test_it_is_nobody(self, root: bool) -> None:
        assert jailed_shell(root, "id -u; id -g; id -G").split() == [str(JAIL_UID)] * 3

    def test_it_has_no_capability_and_gains_none(self, root: bool, folder: Path) -> None:
        out = jailed_shell(
            root, "grep -E 'Cap(Inh|Prm|Eff|Amb)|NoNewPrivs' /proc/self/status", network=jail_network(root, folder)
        )
        values = dict(line.split(":\t") for line in out.splitlines())
        assert values.pop("NoNewPrivs") == "1"
        assert len(values) == 4
        assert set(values.values()) == {"0" * 16}

    def test_the_hosts_files_are_not_there(self, root: bool) -> None:
        expected = {"/usr", "/lib", "/lib64", "/etc", "/dev", "/etc/ld.so.cache", "/dev/null", "/dev/urandom"}
        assert set(jailed_shell(root, "echo /* /etc/* /dev/*").split()) <= expected

    def test_nothing_can_be_written(self, root: bool) -> None:
        script = "for f in / /dev/ /etc/ /usr/; do (echo > $f/x) 2> /dev/null && echo $f; done; echo end"
        assert jailed_shell(root, script) == "end\n"

    def test_only_what_is_bound_for_writing_is_written(self, root: bool, folder: Path) -> None:
        for name in ("disk", "base"):
            (folder / name).write_text("old")
            if host.is_root():
                owner = JAIL_UID if root else PLAIN_USER
                os.chown(folder / name, owner, owner)
        binds = Bind(folder / "disk", "/era/disk", writable=True), Bind(folder / "base", "/era/base")
        out = jailed_shell(root, "echo new > /era/disk; (echo new > /era/base) 2> /dev/null || echo refused", *binds)
        assert out == "refused\n"
        assert (folder / "disk").read_text() == "new\n"
        assert (folder / "base").read_text() == "old"

    @pytest.mark.skipif(os.geteuid() != 0, reason="a plain user cannot enter folders closed to it")
    def test_root_may_keep_its_files_in_folders_closed_to_others(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        (closed / "file").write_text("seen")
        assert jailed_shell(True, "echo $(< /era/file)", Bind(closed / "file", "/era/file")) == "seen\n"

    def test_processes_of_the_host_are_not_seen(self, root: bool, folder: Path) -> None:
        out = jailed_shell(root, "echo /proc/[0-9]*", network=jail_network(root, folder))
        assert len(out.split()) <= 4

    def test_our_environment_is_not_seen(self, root: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ERA_SECRET", "do-not-leak")
        assert "do-not-leak" not in jailed_shell(root, "set")

    def test_a_command_that_is_not_there_fails(self, root: bool) -> None:
        with pytest.raises(ToolFailedError):
            process.run(jail_argv(Jail(TOOLS, host.is_root(), ()), ("/usr/bin/no-such-program",)), timeout=30)


class TestNetwork:
    def test_without_one_nothing_is_reached(self, root: bool) -> None:
        assert "unreachable" in jailed_shell(root, "(echo > /dev/tcp/192.0.2.1/80) 2>&1 || true")

    def test_with_one_there_is_a_route_but_no_way_to_the_hosts_own_listeners(self, root: bool, folder: Path) -> None:
        network = jail_network(root, folder)
        with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104
            port = listener.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                listener.accept()[0].close()
            reach = " ".join(("127.0.0.1", _own_address(), _gateway()))
            attempt = f"timeout 3 bash -c 'echo > /dev/tcp/'$address'/{port}'"
            script = f"cat /proc/net/route; for address in {reach}; do {attempt} && echo reached; done; true"
            out = jailed_shell(root, script, network=network)
            listener.settimeout(0)
            with pytest.raises(BlockingIOError):
                listener.accept()
        assert _gateway(out)
        assert "reached" not in out


def _own_address() -> str:
    """The address from which this host speaks with others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def _gateway(route: str | None = None) -> str:
    """The default gateway of a /proc/net/route; '' where there is none."""
    text = Path("/proc/net/route").read_text() if route is None else route
    for line in text.splitlines():
        match line.split():
            case [_, "00000000", gateway, *_]:
                return socket.inet_ntoa(bytes.fromhex(gateway)[::-1])
    return ""
