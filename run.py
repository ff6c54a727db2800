#!/usr/bin/env python3
"""Everything from a fresh clone: prepares .venv from a lock file, then runs the demo, the tests or a Django command.

Only Python 3.11 is needed, and only its standard library is used here. All that this file says goes to standard error.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

USAGE = """Emploi\xa0: python3 run.py COMMANDE

  demo   [--port N] [--fresh] [--large]   la démo, avec sa propre base de données
  test   [--long] [options de pytest]     tous les tests
  manage COMMANDE…                        une commande de Django, la base démarrée au besoin
  lock   [--upgrade]                      refait les deux fichiers de versions (requirements*.txt)"""

ROOT = Path(__file__).resolve().parent
VENV, PYTHON = ROOT / ".venv", ROOT / ".venv" / "bin" / "python"
RUN, DEV = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
COMMANDS = {
    "demo": (RUN, ["-m", "ims.local", "demo"]),
    "manage": (RUN, ["-m", "ims.local"]),
    # Two processes, a file to each in turn: while one waits for a browser or a provider, the other works.
    "test": (DEV, ["-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]),
    "lock": (RUN, []),
}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fingerprint(lock: Path) -> str:
    return f"{sys.version}\n{hashlib.sha256(lock.read_bytes()).hexdigest()}"


def prepare(lock: Path) -> None:
    """Make .venv hold what the lock file says. Two commands started together take turns."""
    if (VENV / "bin" / "pytest").exists():
        lock = DEV  # it holds everything of the other: a developer's .venv stays one
    turn = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(turn, fcntl.LOCK_EX)
    stamp = VENV / "installed"
    installed = stamp.read_text() if stamp.exists() and PYTHON.exists() else ""
    if installed != fingerprint(lock):
        began = time.monotonic()
        stamp.unlink(missing_ok=True)
        install(lock)
        stamp.write_text(fingerprint(lock))
        say(f"Environnement prêt en {time.monotonic() - began:.0f}\xa0s.")
    os.close(turn)


def has_this_python() -> bool:
    """Whether .venv is whole and made of the Python that runs this: then packages change in place."""
    ask = [PYTHON, "-c", "import pip, sys; print(sys.version)"]
    return PYTHON.exists() and subprocess.run(ask, capture_output=True, text=True).stdout.strip() == sys.version


def install(lock: Path) -> None:
    if not has_this_python():
        say("Création de l’environnement Python (.venv)…")
        if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
            sys.exit("Il manque le module venv de Python. Sous Debian ou Ubuntu\xa0: apt install python3-venv")
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True, stdout=sys.stderr)
    say("Installation des paquets (une minute environ la première fois)…")
    # uv is pinned and hashed in the lock like the rest: pip installs it, and it installs the others.
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as uv:
        uv.write(re.search(r"^uv==.*?(?=^\S|\Z)", lock.read_text(), re.M | re.S).group())
        uv.flush()
        pip = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", uv.name]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    sync = ["pip", "sync", "-q", "--system-certs", "--python", PYTHON, "--require-hashes", lock]
    subprocess.run([PYTHON, "-m", "uv", *sync], check=True, stdout=sys.stderr)


def write_locks(options: list) -> None:
    command = [PYTHON, "-m", "uv", "pip", "compile", "-q", "--system-certs", "--universal", "--generate-hashes"]
    command += ["--no-header", "--python-version", "3.11", *options]
    for source in (["requirements.in"], ["requirements-dev.in", "-c", RUN.name]):
        output = source[0].replace(".in", ".txt")
        subprocess.run([*command, *source, "-o", output], check=True, cwd=ROOT, stdout=sys.stderr)


def main() -> None:
    sys.stderr.reconfigure(errors="replace")  # an old terminal may lack the apostrophe
    if sys.version_info < (3, 11):  # noqa: UP036 (whoever reads this message has an older one)
        sys.exit("Il faut Python 3.11 ou plus récent.")
    if sys.argv[1:2] == [] or sys.argv[1] not in COMMANDS:
        sys.exit(USAGE)
    lock, command = COMMANDS[sys.argv[1]]
    prepare(lock)
    if sys.argv[1] == "lock":
        return write_locks(sys.argv[2:])
    os.chdir(ROOT)
    os.environ["PYTHONUTF8"] = "1"
    os.execv(PYTHON, [str(PYTHON), *command, *sys.argv[2:]])


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError:
        sys.exit("L’installation a échoué\xa0: voyez le message ci-dessus, puis relancez la même commande.")
    except KeyboardInterrupt:
        sys.exit("Interrompu.")
