"""`run.py manage sweep_files [--dry-run] [--all]`: what the nightly sweep does, by hand."""

from django.core.management.base import BaseCommand

from completion import sweep


class Command(BaseCommand):
    help = "Efface les fichiers qu’aucune pièce jointe ni signature ne nomme; dit les pièces dont le fichier manque."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="dit seulement ce qui serait effacé")
        parser.add_argument("--all", action="store_true", help=f"même s’ils sont plus de {sweep.MOST}")

    def handle(self, *, dry_run, all, **options):  # noqa: A002 (the option's name)
        orphans = sweep.orphan_files()
        for name in orphans:
            self.stdout.write(f"sans pièce\u00a0: {name}")
        for row in sweep.missing_files():
            self.stdout.write(f"sans fichier\u00a0: {row}")
        if not dry_run:
            count = sweep.sweep(len(orphans) if all else sweep.MOST)
            self.stdout.write(f"Fichiers effacés\u00a0: {count}.")
