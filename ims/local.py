"""The installation of one machine, when no DATABASE_URL names another: its environment and its own database.

`run.py` starts Django's commands through here. On standard output, only the command itself speaks.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from ims.postgres import EmbeddedPostgres, PostgresError

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("IMS_VAR", ROOT / "var"))


def server() -> EmbeddedPostgres:
    """The database server of this folder."""
    return EmbeddedPostgres(VAR / "pg")


def environment() -> dict[str, str]:
    """What settings need on this machine. No mail server is there but the demo's own, which it starts (ims/demo).

    Outside the demo a message finds a closed port, and waits: nobody is ever written to.
    """
    return {
        "DJANGO_SETTINGS_MODULE": "ims.settings",
        "DATABASE_URL": server().dsn(),
        "SECRET_KEY": secret_key(VAR / "secret_key"),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "BASE_URL": "http://127.0.0.1:8000",
        "MEDIA_ROOT": str(VAR / "media"),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": "1",
        "HTTPS": "0",
        "DEMO": "1",
    }


def secret_key(path: Path) -> str:
    """The key of this folder, drawn once: a new one would silently delete the queued tasks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 0600
            draft.write(os.urandom(40).hex())
            draft.flush()
            try:
                os.link(draft.name, path)
            except FileExistsError:
                pass  # another command drew it meanwhile
    return path.read_text()


def manage(arguments: list[str]) -> int:
    """Run a Django command with the database started, and stop the database if nobody else uses it."""
    database = server()
    # The terminal tells the command of Ctrl-C by itself; a SIGTERM is ours to hand on.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        database.start()
        command = subprocess.Popen([sys.executable, "manage.py", *arguments])
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())
        code = command.wait()
        return code if code >= 0 else 128 - code
    finally:
        database.stop()


def main() -> None:
    arguments = sys.argv[1:]
    is_demo = arguments[:1] == ["demo"]
    if "DATABASE_URL" in os.environ:
        if is_demo:
            sys.exit("La démo n’utilise que sa propre base\xa0: retirez DATABASE_URL de l’environnement.")
    else:
        os.environ.update(environment())
        if not is_demo:  # the demo looks after the server itself
            sys.exit(manage(arguments))
    os.execv(sys.executable, [sys.executable, "manage.py", *arguments])


if __name__ == "__main__":
    try:
        main()
    except PostgresError as error:
        sys.exit(str(error))
    except PermissionError as error:
        sys.exit(f"Accès refusé à {error.filename}\xa0: reprenez le compte qui a servi ici, ou supprimez {VAR}.")
