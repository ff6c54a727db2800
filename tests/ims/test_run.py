"""The two commands: what `run.py manage` says, and a demo that starts, stops and gets up again."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from django.core.management import CommandError

from ims import local
from ims.demo import services
from ims.demo.services import Service
from ims.management.commands.demo import Command
from ims.postgres import EmbeddedPostgres
from ims.processes import PROC, describe

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder():
    """A folder with a space in its name, that everyone may enter."""
    path = Path(tempfile.mkdtemp(prefix="ims essai "))
    path.chmod(0o755)
    yield path
    for process in running_from(path):
        os.kill(process, signal.SIGKILL)
    EmbeddedPostgres(path / "var" / "pg").discard()
    shutil.rmtree(path)


def environment(**changes):
    """The environment of somebody who only opened a terminal."""
    ours = {*local.environment(), "IMS_VAR", "CONN_MAX_AGE", "QUEUE_TIMEOUT", "QUEUE_RETRY"}
    return {name: value for name, value in os.environ.items() if name not in ours} | changes


def run(*arguments, root=ROOT, **changes):
    command = [sys.executable, root / "run.py", *arguments]
    return subprocess.run(command, env=environment(**changes), capture_output=True, text=True, timeout=60)


def running_from(folder):
    pids = [int(path.name) for path in PROC.glob("[0-9]*")]
    return [pid for pid in pids if (process := describe(pid)) and str(folder) in process[1]]


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


# ---- run.py and the local installation


def test_manage_leaves_standard_output_and_the_exit_code_to_the_command(folder):
    done = run("manage", "shell", "-v0", "-c", "print('seul'); exit(3)", IMS_VAR=str(folder / "var"))

    assert (done.stdout, done.returncode) == ("seul\n", 3), done.stderr
    assert running_from(folder) == []


def test_the_demo_refuses_a_database_that_is_not_its_own():
    done = run("demo", DATABASE_URL="postgresql://ims:secret@db.example.org/ims")

    assert done.returncode == 1
    assert "retirez DATABASE_URL" in done.stderr


def test_a_command_that_does_not_exist_gets_the_list_of_those_that_do():
    done = run("demonstration")

    assert done.returncode == 1
    assert all(name in done.stderr for name in ("demo", "test", "manage", "lock"))


def test_the_secret_key_is_drawn_once_and_is_nobody_elses_to_read(tmp_path):
    path = tmp_path / "var" / "secret_key"

    first = local.secret_key(path)

    assert len(first) >= 50
    assert local.secret_key(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_lock_file_names_an_address():
    for lock in ROOT.glob("requirements*.txt"):
        assert not re.search(r"https?:", lock.read_text())
        assert "--hash=sha256:" in lock.read_text()


def test_a_taken_port_is_named_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CommandError, match=rf"Le port {port} n’est pas libre.*--port {port + 1}"):
            Command().refuse_taken_port(port)


# ---- the demo's processes

FAMILY = (
    "import subprocess, sys, time; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid,\
    flush=True); time.sleep(60)"
)


@pytest.fixture
def family(tmp_path):
    """A service that has a child; its second value finds the child's pid."""
    service = Service("family", ["-c", FAMILY], tmp_path)
    service.start(dict(os.environ))
    while not service.log.read_text().strip():
        time.sleep(0.01)
    yield service, int(service.log.read_text())
    if service.is_running():
        service.process.kill()
    service.wait_or_kill()


def test_orphans_of_a_killed_demo_are_ended_at_the_next_start(family, tmp_path):
    service, child = family

    assert Service("family", [], tmp_path).end_orphans()

    assert not describe(service.process.pid) and not describe(child)
    assert not Service("family", [], tmp_path).end_orphans()


def test_a_child_that_outlived_its_parent_is_ended_too(family, tmp_path):
    service, child = family
    service.process.kill()
    service.process.wait()

    assert Service("family", [], tmp_path).end_orphans()

    assert not describe(child)


def test_a_stranger_that_was_given_the_number_of_a_dead_service_lives_on(family, tmp_path):
    service, child = family
    service.record.write_text(f"{service.process.pid} 123")

    assert not Service("family", [], tmp_path).end_orphans()

    assert describe(service.process.pid) and describe(child)


def test_a_service_that_will_not_stop_is_killed_with_its_group(tmp_path, monkeypatch):
    monkeypatch.setattr(services, "GRACE", 0.2)
    stubborn = Service("stubborn", ["-c", f"import signal; signal.signal(15, signal.SIG_IGN); {FAMILY}"], tmp_path)
    stubborn.start(dict(os.environ))
    while not stubborn.log.read_text().strip():
        time.sleep(0.01)

    stubborn.ask_to_stop()
    stubborn.wait_or_kill()

    assert not stubborn.is_running()
    assert not describe(int(stubborn.log.read_text()))
    assert not stubborn.record.exists()


# ---- a whole demo


class Demo:
    """`run.py demo` started as a person would, in a copy of the tree."""

    def __init__(self, root, *options):
        self.root, self.port = root, free_port()
        command = [sys.executable, root / "run.py", "demo", "--port", str(self.port), *options]
        self.process = subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said = ""

    def until(self, sentence):
        while sentence not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line

    def get(self, path):
        return self.visit(path)[0]

    def read(self, path):
        return self.visit(path)[1]

    def visit(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def demo(folder):
    """Start a demo of a copy of the tree; the same packages serve it."""
    away = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, folder, ignore=away, dirs_exist_ok=True)
    (folder / ".venv").symlink_to(sys.prefix)
    started = []

    def start(*options):
        started.append(Demo(folder, *options))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.mark.long
def test_a_demo_serves_says_where_it_runs_and_leaves_no_process_after_ctrl_c(demo, folder):
    first = demo()
    first.until("Ctrl-C arrête tout")
    assert first.get("/") in (200, 302)
    assert first.get("/demo/boite-envoi/") == 200

    second = run("demo", root=folder)
    assert second.returncode == 0
    assert f"tourne déjà\xa0: http://127.0.0.1:{first.port}/" in second.stdout

    first.process.send_signal(signal.SIGINT)
    first.until("La démo est arrêtée.")
    assert first.process.wait(5) == 0
    assert running_from(folder) == []


@pytest.mark.long
def test_a_demo_starts_again_after_a_kill_of_its_parent_with_its_data(demo, folder):
    first = demo()
    first.until("Ctrl-C arrête tout")
    count = "from accounts.models import User; print(User.objects.count())"
    people = run("manage", "shell", "-v0", "-c", count, root=folder).stdout
    first.end()
    assert running_from(folder) != []

    second = demo()
    second.until("Ctrl-C arrête tout")

    assert "démo interrompue" in second.said
    assert "Monde de démonstration" not in second.said
    assert run("manage", "shell", "-v0", "-c", count, root=folder).stdout == people


@pytest.mark.long
def test_a_dead_worker_dead_providers_and_a_dead_database_are_started_again(demo, folder):
    first = demo()
    first.until("Ctrl-C arrête tout")
    time.sleep(10)

    for service in ("worker", "providers"):
        os.kill(int((folder / f"var/demo/{service}.pid").read_text().split()[0]), signal.SIGKILL)
        first.until(f"«\xa0{service}\xa0» s’est arrêté\xa0: redémarrage")
    os.kill(int(run("manage", "shell", "-v0", "-c", POSTMASTER, root=folder).stdout), signal.SIGKILL)
    first.until("La base de données s’est arrêtée\xa0: redémarrage.")

    deadline = time.monotonic() + 10
    while first.get("/connexion/") != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


POSTMASTER = """
from django.db import connection
cursor = connection.cursor()
cursor.execute("SELECT pg_read_file('postmaster.pid')")
print(cursor.fetchone()[0].split()[0])
"""


@pytest.mark.long
def test_a_demo_that_cannot_build_its_world_leaves_nothing_running(demo, folder):
    with open(folder / "ims/demo/world.py", "a") as world:
        world.write("\n\ndef build(**options):\n    raise RuntimeError('pas de monde')\n")

    failed = demo()
    failed.until("pas de monde")

    assert failed.process.wait(20) == 1
    assert running_from(folder) == []


@pytest.mark.long
def test_an_invited_person_finds_a_temporary_password_in_the_outbox(demo, folder):
    first = demo()
    first.until("Ctrl-C arrête tout")
    assert "imane.oualidi      Interprète" in first.said

    deadline = time.monotonic() + 30
    while "Mot de passe temporaire" not in (read := first.read("/demo/boite-envoi/?destinataire=imane.oualidi")):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert f"http://127.0.0.1:{first.port}/</a>" in read


@pytest.mark.long
def test_fresh_forgets_the_data(demo, folder):
    first = demo()
    first.until("Ctrl-C arrête tout")
    (folder / "var/outbox").mkdir(exist_ok=True)
    (folder / "var/outbox/letter").touch()
    first.process.send_signal(signal.SIGTERM)
    first.until("La démo est arrêtée.")
    first.process.wait(5)

    second = demo("--fresh")
    second.until("Ctrl-C arrête tout")

    assert "Monde de démonstration" in second.said
    assert not (folder / "var/outbox/letter").exists()
