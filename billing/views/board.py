"""« Tableau de paie » /paie/tableau/: what the BI pays, by month, kind, region and establishment."""

from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.french import date_range_words
from accounts.roles import ADMIN_ROLES
from billing import board as boards
from billing.rules import LineKind
from requests_app.charts import ranked, share, shares
from requests_app.exports import CSV, as_csv, download
from requests_app.months import month_name
from requests_app.period import last_day
from requests_app.views.access import only

# Of each table: its name in the address, its title, what its rows are.
CHARTS = {
    "mois": ("Par mois de service", "Mois", boards.Sums.by_month),
    "nature": ("Par nature", "Nature", boards.Sums.by_kind),
    "region": ("Par région", "Région", boards.Sums.by_region),
    "etablissement": ("Par établissement", "Établissement", boards.Sums.by_institution),
}
TABLES = {
    **{name: ([heading, "Montant"], rows) for name, (_, heading, rows) in CHARTS.items()},
    "annulations": (["Établissement", "Annulations tardives", "Montant"], lambda sums: sums.late),
    "alertes": (["Alerte", "Demandes"], lambda sums: sums.alerts),
}


@require_safe
def board(request):
    """The months of the address, the last twelve by default; six statements, however many lines."""
    only(request, *ADMIN_ROLES)
    today = timezone.localdate()
    known = boards.Known.read(today)
    choice = boards.Choice.read(request.GET, known, today)
    sums = boards.Sums(choice, known)
    return render(request, "billing/board.html", _figures(sums) | _filters(choice, known, today))


def _figures(sums) -> dict:
    late, choice = sums.late, sums.choice
    parts = shares([amount for *_, amount in late], sums.late_amount)
    return {
        "total": sums.total,
        "published": sums.published,
        "is_late_alone": choice.kind == LineKind.LATE_CANCELLATION,
        "charts": [(name, ranked(title, heading, rows(sums))) for name, (title, heading, rows) in CHARTS.items()],
        "late": [(*row, part) for row, part in zip(late, parts, strict=True)][: boards.COSTLIEST],
        "is_late_hidden": choice.kind not in ("", LineKind.LATE_CANCELLATION),
        "late_amount": sums.late_amount,
        "late_number": sums.late_number,
        "late_share": share(sums.late_amount, sums.total),
        "more_late": len(late) - boards.COSTLIEST,
        "alerts": sums.alerts,
        "days": date_range_words(choice.first, last_day(choice.last)),
    }


def _filters(choice, known, today) -> dict:
    here, csv = reverse("billing:board"), reverse("billing:board_csv")
    months = [(f"{month:%Y-%m}", month_name(month)) for month in reversed(known.months)]
    shown = {
        "du": ("Du mois", months, f"{choice.first:%Y-%m}"),
        "au": ("Au mois", months, f"{choice.last:%Y-%m}"),
        "region": ("Région", [("", "Toutes"), *known.regions.items()], choice.region),
        "etablissement": ("Établissement", [("", "Tous"), *known.institutions.items()], str(choice.institution or "")),
        "nature": ("Nature", [("", "Toutes"), *boards.KINDS.items()], choice.kind),
    }
    return {
        "filters": [(name, *given) for name, given in shown.items()],
        "presets": [
            (label, f"{here}?{other.written()}", other == choice) for label, other in boards.presets(choice, today)
        ],
        "is_narrowed": bool(choice.region or choice.institution or choice.kind),
        "csv": f"{csv}?{choice.written()}",
    }


@require_safe
def board_csv(request):
    """One of the tables (`tableau`) of the same address, whole, for a spreadsheet."""
    only(request, *ADMIN_ROLES)
    today = timezone.localdate()
    known = boards.Known.read(today)
    choice = boards.Choice.read(request.GET, known, today)
    name = request.GET.get("tableau")
    name = name if name in TABLES else "mois"
    header, rows = TABLES[name]
    return download(f"paie-{name}-{choice.name}.csv", as_csv(header, rows(boards.Sums(choice, known))), CSV)
