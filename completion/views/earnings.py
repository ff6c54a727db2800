"""« Ma paie » /ma-paie/: what an interpreter earned, month by month, and why."""

from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import keyset
from accounts.french import date_range_words
from accounts.roles import Role
from billing.statements import published_for
from completion import earnings as pay
from completion import unpaid
from requests_app.charts import Given, stacked
from requests_app.exports import CSV, as_csv, download
from requests_app.months import back, between, following, month_name, month_of
from requests_app.period import last_day
from requests_app.views.access import only

# What each part means, in the order of the page: from sure to expected.
HELP = {
    pay.PAID: "sur un relevé publié",
    pay.VALIDATED: "fixé à l’achèvement, sur un prochain relevé",
    pay.ESTIMATED: "en attente de validation par la BI du RSSS",
}
# As many as a year has pay periods of two weeks.
STATEMENTS_SHOWN = 26


@require_safe
def earnings(request):
    """The month of the address, this one by default; a fixed number of statements, whatever there is."""
    only(request, Role.INTERPRETER)
    at = timezone.now()
    today = timezone.localdate(at)
    month = month_of(request.GET.get("mois")) or today.replace(day=1)
    return render(request, "completion/earnings.html", _context(request.user, month, today, at))


def _context(user, month: date, today: date, at) -> dict:
    estimates = pay.estimates_of(user)
    works = pay.works_of(user, month, last_day(month), estimates)
    first = pay.first_month(month, today)
    by_month = pay.amounts_by_month(user, first, estimates)
    # What the lines below add up to, to the cent.
    by_month[month] = pay.parts_of(works)
    waiting, claims = list(unpaid.to_file(user, at=at)[: unpaid.MOST_NAMED + 1]), unpaid.to_claim(user)
    statements = list(published_for(user)[: STATEMENTS_SHOWN + 1])
    return {
        "month": month_name(month),
        "is_now": month == today.replace(day=1),
        "parts": [(part, label, by_month[month][part], HELP[part]) for part, label in pay.PARTS.items()],
        "estimated": by_month[month][pay.ESTIMATED],
        "total": sum(by_month[month].values(), Decimal(0)),
        "works": [pay.told(work, user, at=at) for work in works],
        "chart": _chart(by_month, first, month, today),
        "estimates": estimates,
        "most_estimated": pay.MOST_ESTIMATED,
        "to_file": waiting[: unpaid.MOST_NAMED],
        "has_more_to_file": len(waiting) > unpaid.MOST_NAMED,
        "to_claim": claims[: unpaid.MOST_NAMED],
        "has_more_to_claim": len(claims) > unpaid.MOST_NAMED,
        "period": date_range_words(*unpaid.running_period(at)),
        "statements": statements[:STATEMENTS_SHOWN],
        "has_more_statements": len(statements) > STATEMENTS_SHOWN,
        "is_new": not (estimates.works or statements or any(sum(parts.values()) for parts in by_month.values())),
        **_links(month),
    }


def _links(month: date) -> dict:
    csv = reverse("completion:earnings_csv")
    return {
        "before": (month_name(back(month, 1)), _address(back(month, 1))),
        "after": (month_name(following(month)), _address(following(month))),
        "year_before": (month_name(back(month, 12)), _address(back(month, 12))),
        "year_after": (month_name(back(month, -12)), _address(back(month, -12))),
        "csv_of_month": f"{csv}?{urlencode({'mois': _written(month)})}",
        "csv_of_year": f"{csv}?{urlencode({'annee': month.year})}",
        "year": month.year,
    }


def _address(month: date) -> str:
    return f"{reverse('completion:earnings')}?{urlencode({'mois': _written(month)})}"


def _written(month: date) -> str:
    return f"{month:%Y-%m}"


def _chart(by_month, first: date, month: date, today: date):
    """Twelve months, and the coming ones that pay already: a service cancelled late is owed before its day."""
    window = list(between(first, back(first, -(pay.MONTHS_SHOWN - 1))))
    coming = sorted(known for known, parts in by_month.items() if known > window[-1] and any(parts.values()))
    rows = [
        Given(month_name(known), _amounts(by_month, known), f"{_address(known)}#lignes", known == month)
        for known in [*window, *(coming if window[-1] == today.replace(day=1) else [])]
    ]
    return stacked("Par mois de service", "Mois", pay.PARTS, rows)


def _amounts(by_month, month) -> list[Decimal]:
    parts = by_month.get(month, {})
    return [parts.get(part, Decimal(0)) for part in pay.PARTS]


@require_safe
def earnings_csv(request):
    """The lines of a month (this one unless said), or of a year (`annee`), for a spreadsheet; 404 for any other.

    Without the persons served.
    """
    only(request, Role.INTERPRETER)
    first, last, name = _span(request.GET)
    works = pay.works_of(request.user, first, last, pay.every_estimate_of(request.user, first, last))
    return download(f"ma-paie-{name}.csv", as_csv(pay.CSV_HEADER, pay.csv_rows(works)), CSV)


def _span(query) -> tuple[date, date, str]:
    # A file is kept under its name: it never holds another month than the one asked for.
    if "annee" in query:
        year = keyset.number(query["annee"])
        if not 2000 <= year <= 2100:
            raise Http404
        return date(year, 1, 1), date(year, 12, 31), str(year)
    month = month_of(query["mois"]) if "mois" in query else timezone.localdate().replace(day=1)
    if month is None:
        raise Http404
    return month, last_day(month), _written(month)
