"""`run.py manage quote`: what some cases pay, outside the web; one JSON object a line in, one a line out."""

import os
import sys

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection
from django.utils import timezone

from billing import quote
from billing.services import Tables


class Command(BaseCommand):
    help = "Calcule la paie de cas écrits en JSON, un par ligne, de l’entrée standard vers la sortie standard."
    requires_system_checks = []  # on standard output, only the answers

    def handle(self, **options):
        try:
            self.answer_all()
        except KeyboardInterrupt:
            sys.exit(130)
        except BrokenPipeError:
            # Whoever read has left: what is still held goes nowhere, for Python not to fail once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def answer_all(self) -> None:
        """Each answer leaves at once: who asks line by line, through a pipe, waits for it before asking again."""
        tables = tables_ready()
        known = {"closed_days": tables.closed_days, "tz": timezone.get_default_timezone()}
        known["policies"] = [policy.as_rules() for policy in tables.policies]
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(quote.answer(line, **known) + b"\n")
            sys.stdout.buffer.flush()


def tables_ready() -> Tables:
    """The tables, read once, and no connection held while lines come; this machine's own base is made if it is new."""
    try:
        return Tables.read()
    except ProgrammingError as error:
        if not settings.DEMO:
            raise CommandError(
                "La base de données n’est pas à jour\u00a0: lancez d’abord manage.py migrate."
            ) from error
        call_command("migrate", interactive=False, verbosity=0)
        return Tables.read()
    finally:
        connection.close()
