"""A PostgreSQL server of the test's own: in a temporary folder, reached through a socket in it, gone with the test."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import missing


def programs() -> Path:
    """Where the server's programs are: on the search path, or where Debian puts them; the newest."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not folders:
        missing("the test needs the server PostgreSQL (Debian: postgresql)")
    return max(folders, key=lambda folder: int(folder.parent.name) if folder.parent.name.isdecimal() else 0)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A running server; its address, for SQLAlchemy, of an empty database.

    Args:
        folder: an empty folder with a short path (a socket's path has at most 107 bytes).
    """
    if importlib.util.find_spec("psycopg2") is None:
        missing("the test needs the package psycopg2-binary")
    found = programs()
    user = _unprivileged() if os.getuid() == 0 else None
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
        os.chmod(folder, 0o755)
    data = folder / "data"

    def run(*command: str) -> None:
        as_them: dict[str, Any] = (
            {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        )
        environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        log = folder / "log"
        with log.open("ab") as output:
            done = subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=output, **as_them)
        assert done.returncode == 0, log.read_text()

    run(str(found / "initdb"), "--auth=trust", "--username=teacher", "--encoding=UTF8", "--no-sync", str(data))
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    run(str(found / "pg_ctl"), "--pgdata", str(data), "--wait", "--options", options, "start")
    try:
        yield f"postgresql+psycopg2://teacher@/postgres?host={folder}"
    finally:
        run(str(found / "pg_ctl"), "--pgdata", str(data), "--wait", "--mode=immediate", "stop")


def _unprivileged() -> pwd.struct_passwd:
    """Somebody else than root, as whom the server refuses to run."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("there is nobody but root")
