"""The embedded server starts, agrees and recovers whatever was left on the machine."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from ims.postgres import EmbeddedPostgres, PostgresError, is_embedded
from ims.processes import describe

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="seulement sous root")


@pytest.fixture
def folder():
    """A folder with a space in its name, that everyone may enter (pytest's own is closed to nobody)."""
    path = Path(tempfile.mkdtemp(prefix="ims essai "))
    path.chmod(0o755)
    yield path
    EmbeddedPostgres(path / "pg").discard()
    shutil.rmtree(path)


@pytest.fixture
def server(folder):
    server = EmbeddedPostgres(folder / "pg", fast=True)
    yield server
    server.stop()


def ask(server, sql):
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def postmaster(server):
    return int(ask(server, "SELECT pg_read_file('postmaster.pid')").split()[0])


def start_in_another_process(folder, *, then=""):
    program = f"from ims.postgres import EmbeddedPostgres; from pathlib import Path; import sys, time;\
        server = EmbeddedPostgres(Path(sys.argv[1]), fast=True); server.start(); print('started', flush=True); {then}"
    return subprocess.Popen([sys.executable, "-c", program, folder / "pg"], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_data_is_kept_between_two_starts_in_a_path_with_spaces(server):
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")

    server.stop()
    assert not server.alive()

    server.start()
    assert ask(server, "SELECT answer FROM kept") == 42


def test_the_server_keeps_time_in_utc_and_letters_in_unicode_whatever_the_machine_says(server, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")

    server.start()

    monkeypatch.delenv("PGTZ")
    assert ask(server, "SELECT current_setting('timezone')") == "UTC"
    assert ask(server, "SELECT lower('ÉLOÏSE')") == "éloïse"


def test_two_starts_at_once_agree_on_one_server(folder, server):
    starts = [start_in_another_process(folder, then="time.sleep(60)") for _ in range(2)]
    assert [start.stdout.readline() for start in starts] == ["started\n", "started\n"]

    server.start()
    first = postmaster(server)
    for start in starts:
        start.kill()
        start.communicate()

    assert server.alive()
    assert postmaster(server) == first


def test_it_starts_again_after_everything_was_killed(folder, server):
    owner = start_in_another_process(folder, then="time.sleep(60)")
    owner.stdout.readline()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    killed = postmaster(server)

    owner.kill()
    owner.communicate()
    os.kill(killed, signal.SIGKILL)
    server.start()

    assert postmaster(server) != killed
    assert ask(server, "SELECT answer FROM kept") == 42


def test_a_dead_server_whose_number_another_program_now_has_does_not_prevent_a_start(server):
    server.start()
    pidfile, lock = server._data / "postmaster.pid", server.socket / ".s.PGSQL.5432.lock"
    left = {pidfile: pidfile.read_text(), lock: lock.read_text()}
    server.stop()
    stranger = subprocess.Popen(["sleep", "60"], **server._as_account)
    server._make_home()
    for path, text in left.items():
        path.write_text(text.replace(text.split()[0], str(stranger.pid), 1))

    server.start()

    assert server.alive()
    assert describe(stranger.pid)
    stranger.kill()
    stranger.wait()


def test_an_empty_pid_file_left_by_a_power_cut_does_not_prevent_a_start(server):
    server.start()
    server.stop()
    (server._data / "postmaster.pid").write_text("")

    server.start()

    assert server.alive()


def test_a_creation_that_was_cut_short_is_begun_again(folder, server):
    (folder / "pg.new").mkdir()
    (folder / "pg.new" / "PG_VERSION").write_text("18\n")

    server.start()

    assert server.alive()


@as_root
def test_under_a_folder_that_only_root_enters_data_and_binaries_go_where_nobody_can_reach_them(folder, server):
    folder.chmod(0o700)

    server.start()

    assert ask(server, "SELECT 1") == 1
    assert server._binaries().is_relative_to(server.home) and server._data.is_relative_to(server.home)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_last_one_out_stops_the_server(folder, server):
    other = EmbeddedPostgres(folder / "pg", fast=True)
    server.start()
    other.start()

    assert not server.stop()
    assert other.alive()
    assert other.stop()
    assert not other.alive()


def test_data_in_use_by_another_command_is_not_discarded(folder, server):
    other = EmbeddedPostgres(folder / "pg", fast=True)
    server.start()

    with pytest.raises(PostgresError, match="Une autre commande"):
        other.discard()

    assert ask(server, "SELECT 1") == 1


def test_a_socket_folder_that_is_not_ours_is_refused(folder, server):
    server.home.symlink_to(folder)

    with pytest.raises(PostgresError, match="appartient à un autre compte"):
        server.start()

    server.home.unlink()


def test_only_an_address_of_this_module_is_taken_for_an_embedded_server(server):
    assert is_embedded(server.dsn())
    assert not is_embedded("postgresql://ims:secret@db.example.org/ims")
    assert not is_embedded("postgresql://postgres@/ims?host=/var/run/postgresql")
