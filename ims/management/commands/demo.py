"""`run.py demo`: database, web server, task cluster and loopback providers under one parent that stops them all."""

import fcntl
import http.client
import os
import shutil
import signal
import socket
import time
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from ims import local
from ims.demo import providers
from ims.demo.services import Service
from ims.postgres import PostgresError
from ims.static import collect_when_changed

HOST = "127.0.0.1"
FOLDER = settings.VAR / "demo"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TOO_SHORT = 10  # seconds: a process that ends sooner after its start would end again


class Command(BaseCommand):
    help = "Lance la démo\u00a0: sa base de données, le serveur web et les tâches de fond."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000, metavar="N", help="port du serveur web (8000)")
        parser.add_argument("--fresh", action="store_true", help="efface les données et recommence à neuf")
        parser.add_argument("--large", action="store_true", help="un monde plus grand (600 demandes)")

    def handle(self, *, port, fresh, large, **options):
        if not settings.DEMO:
            raise CommandError("La démo se lance par\xa0: python3 run.py demo")
        self.began = time.monotonic()
        self.address = f"http://{HOST}:{port}/"
        self.database = local.server()
        web = ["-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port), "--log-level", "warning"]
        web += ["--workers", "2", "--blocking-threads", "2", "--workers-kill-timeout", "10"]
        # Stopped in this order: the worker ends its sendings before those who take them in charge.
        self.services = [
            Service("web", [*web, "ims.wsgi:application"], FOLDER),
            Service("worker", ["manage.py", "qcluster"], FOLDER),
            Service("providers", ["-m", "ims.demo.providers"], FOLDER),
        ]
        # Drawn once: whoever is started again finds the others where they were.
        self.wires = providers.environment()
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler)
        with self.alone() as is_alone:
            if not is_alone:
                return
            try:
                self.prepare(port, fresh, large)
                self.serve(port)
            except KeyboardInterrupt:
                self.say("\nArrêt…")
            except PostgresError as error:
                raise CommandError(str(error)) from error
            finally:
                self.stop()

    def say(self, text: str) -> None:
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:
            pass  # the terminal is closed: there is still everything to stop

    @contextmanager
    def alone(self):
        """Hold this folder's demo; when another one has it, say where that one is."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        with open(FOLDER / "lock", "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                self.say(f"La démo de ce dossier tourne déjà\xa0: {lock.read()}. Ctrl-C dans son terminal l’arrête.")
                yield False
                return
            lock.truncate(0)
            lock.write(f"{self.address} (processus {os.getpid()})")
            lock.flush()
            yield True

    # ---- before serving

    def prepare(self, port: int, fresh: bool, large: bool) -> None:
        if any([service.end_orphans() for service in self.services]):
            self.say("Des processus d’une démo interrompue ont été arrêtés.")
        self.refuse_taken_port(port)
        if fresh:
            self.say("Effacement des données de la démo…")
            self.database.discard()
            for folder in ("media", "outbox"):
                shutil.rmtree(settings.VAR / folder, ignore_errors=True)
        self.say("Base de données…")
        self.database.start()
        call_command("migrate", interactive=False, verbosity=0)
        self.say("Fichiers statiques…")
        collect_when_changed()
        self.build_world(large)
        connections.close_all()

    def refuse_taken_port(self, port: int) -> None:
        with socket.socket() as trial:
            # A port that only waits for its last connections to fade is free.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, port))
            except (OSError, OverflowError) as error:
                raise CommandError(
                    f"Le port {port} n’est pas libre. Choisissez-en un autre\xa0: python3 run.py demo --port {port + 1}"
                ) from error

    def build_world(self, large: bool) -> None:
        from ims.demo import world

        if world.exists():
            if large:
                self.say("Le monde existe déjà\xa0: --large ne vaut qu’avec --fresh.")
            return
        self.say("Monde de démonstration…")
        world.build(large=large, progress=self.say)

    # ---- serving

    def serve(self, port: int) -> None:
        for service in self.services:
            service.start(self.environment())
        self.wait_for_first_page(port)
        self.welcome()
        while True:
            time.sleep(0.5)
            if not self.database.alive():
                self.say("La base de données s’est arrêtée\xa0: redémarrage.")
                self.database.start()
            for service in self.services:
                if not service.is_running():
                    self.revive(service)

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.wires, "BASE_URL": self.address.rstrip("/"), "PYTHONUNBUFFERED": "1"}

    def wait_for_first_page(self, port: int) -> None:
        web, deadline = self.services[0], time.monotonic() + 60
        while True:
            try:
                connection = http.client.HTTPConnection(HOST, port, timeout=30)
                connection.request("GET", "/")
                if (status := connection.getresponse().status) < 500:
                    return
                trouble = f"La page d’accueil répond {status}"
            except OSError:
                trouble = "Le serveur web ne répond pas"
            finally:
                connection.close()
            if not web.is_running() or time.monotonic() > deadline:
                raise CommandError(f"{trouble}. Son journal dit\xa0:\n{web.last_words()}")
            time.sleep(0.1)

    def revive(self, service: Service) -> None:
        if service.lifetime() < TOO_SHORT:
            raise CommandError(f"«\xa0{service.name}\xa0» s’arrête. Son journal dit\xa0:\n{service.last_words()}")
        self.say(f"«\xa0{service.name}\xa0» s’est arrêté\xa0: redémarrage (journal\xa0: {service.log}).")
        service.wait_or_kill()
        service.start(self.environment())

    def welcome(self) -> None:
        from ims.demo import world

        width = max(len(username) for username, *_ in world.ACCOUNTS)
        self.say(
            "\n".join(
                [
                    "",
                    f"La démo est prête ({time.monotonic() - self.began:.0f}\xa0s)\xa0: {self.address}",
                    "",
                    f"Cette page fait entrer en un clic. Sinon, mot de passe de tous\xa0: {world.PASSWORD}",
                    *(f"  {name:{width}}  {', '.join(filter(None, what))}" for name, *what in world.ACCOUNTS),
                    f"Codes, SMS et courriels\xa0: {self.address}demo/boite-envoi/",
                    "",
                    f"Ctrl-C arrête tout; les données restent (--fresh recommence à neuf). Journaux\xa0: {FOLDER}",
                ]
            )
        )

    def stop(self) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        connections.close_all()
        for service in self.services:
            service.ask_to_stop()
        for service in self.services:
            service.wait_or_kill()
        self.database.stop()
        if any(service.process for service in self.services):
            self.say("La démo est arrêtée.")
