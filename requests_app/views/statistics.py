"""« Statistiques » /bi/statistiques/: how the requests of some days were filled, offered, cancelled and shared."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.french import NBSP, date_range_words, decimal
from accounts.roles import Role
from requests_app import spans
from requests_app.charts import Given, ranked, rated, share, stacked
from requests_app.exports import CSV, as_csv, download
from requests_app.statistics import ENDS, FEW, OUTCOMES, Figures
from requests_app.views.access import only

# Of a long table, on the page: the others are added up in its last line, and its file has them all.
SHOWN = 12
FILLED = {"served": "Pourvues", "missing": "Non pourvues"}
ANSWERS = {"missing": "Refusées", "held": "Sans réponse", "served": "Acceptées"}
LATE = {"missing": "Tardives", "track": "Autres demandes"}
DELAYS = {True: "Urgentes", False: "Les autres", None: "Ensemble"}
# More people than there are.
EVERYBODY = 10**6


@require_safe
def statistics(request):
    """The days of the address, the last three months by default; a fixed number of statements, whatever there is."""
    only(request, Role.COORDINATOR)
    figures = _figures(request)
    told = _told(figures) if figures.number else {}
    return render(request, "requests_app/statistics.html", {"number": figures.number} | told | _filters(figures))


def _figures(request) -> Figures:
    at = timezone.now()
    known = spans.Known.read()
    return Figures(spans.Choice.read(request.GET, known, timezone.localdate(at)), known, at)


def _told(figures: Figures) -> dict:
    return {
        "charts": {name: draw(figures) for name, draw in CHARTS.items()},
        "filled": figures.filled,
        "filled_share": _share_of_first(_decimals(figures.filled.numbers)),
        "late_number": sum(late for _, late, _ in figures.late),
        "delays": [(words, *_delay(figures.delays.get(key))) for key, words in DELAYS.items()],
        "median": _delay(figures.delays.get(None))[1],
        "loads": [(name, load, _narrowed(figures, language=load.language)) for name, load in figures.loads[:SHOWN]],
        "more_loads": len(figures.loads) - SHOWN,
        **(_people(figures) if figures.choice.language else {}),
    }


def _delay(delay) -> tuple[int, str, str]:
    """How many, half of them within, nine in ten within."""
    return (delay.number, _hours(delay.median), _hours(delay.ninetieth)) if delay else (0, "—", "—")


def _hours(waited: timedelta) -> str:
    return f"{decimal(_in_hours(waited), 1)}{NBSP}h"


def _in_hours(waited: timedelta) -> Decimal:
    return Decimal(waited // timedelta(seconds=1)) / 3600


def _people(figures: Figures) -> dict:
    """The ends of the one language chosen: everybody when they meet."""
    people = [person for _, person in figures.people()]
    load = figures.loads[0][1] if figures.loads else None
    left = load.people - len(people) if load else 0
    return {"load": load, "most": people[:ENDS], "least": people[ENDS:], "left": left}


# Charts


def _by_step(figures: Figures):
    is_by_week = figures.choice.is_by_week
    given = [Given(name, _decimals(numbers), _address(step)) for name, step, numbers in figures.by_step]
    caption, heading = ("Par semaine", "Semaine du") if is_by_week else ("Par mois", "Mois")
    return stacked(caption, heading, OUTCOMES, given, measure="Demandes", write=decimal)


def _by_status(figures: Figures):
    given = [(status.label, Decimal(number), _list_of(status, figures.choice)) for status, number in figures.by_status]
    return ranked("Par statut", "Statut", given, measure="Demandes", write=decimal)


def _by_language(figures: Figures):
    return _filled("Demandes pourvues, par langue", "Langue", "language", figures, figures.filled_by_language())


def _by_region(figures: Figures):
    return _filled("Demandes pourvues, par région", "Région", "region", figures, figures.filled_by_region())


def _filled(caption: str, heading: str, by: str, figures: Figures, rates):
    given = [Given(rate.label, _decimals(rate.numbers), _narrowed(figures, **{by: rate.key})) for rate in rates]
    words = {"measure": "Taux", "cells": _first_of_all, "total": _share_of_first}
    return rated(caption, heading, FILLED, _cut(given), **words)


def _by_answer(figures: Figures):
    given = [
        Given(name, _decimals(row[1:]), _narrowed(figures, language=row.language)) for name, row in figures.answers
    ]
    words = {"measure": "Offres", "cells": _each_share, "total": lambda amounts: decimal(sum(amounts))}
    return rated("Réponses aux offres, par langue", "Langue", ANSWERS, _cut(given), **words)


def _by_late(figures: Figures):
    given = [Given(name, _decimals([late, number - late])) for name, late, number in figures.late]
    shown = min(SHOWN, sum(late > 0 for _, late, _ in figures.late))
    words = {"measure": "Part", "cells": _first_of_all, "total": _share_of_first}
    return rated("Annulations tardives, par établissement", "Établissement", LATE, _cut(given, shown), **words)


CHARTS = {
    "periode": _by_step,
    "statut": _by_status,
    "langue": _by_language,
    "region": _by_region,
    "offres": _by_answer,
    "annulations": _by_late,
}


def _cut(given: list[Given], shown: int = SHOWN) -> list[Given]:
    """The first lines, and what the others come to: the foot adds up them all."""
    others = given[shown:]
    if not others:
        return given
    sums = [sum(numbers) for numbers in zip(*(row.amounts for row in others), strict=True)]
    return [*given[:shown], Given(f"{len(others)}{NBSP}autre{'s' if len(others) > 1 else ''}", sums)]


def _decimals(numbers) -> list[Decimal]:
    return [Decimal(number) for number in numbers]


def _first_of_all(amounts) -> list[str]:
    """« 12 de 14 », then the others."""
    first, *others = map(decimal, amounts)
    return [f"{first} de {decimal(sum(amounts))}", *others]


def _share_of_first(amounts) -> str:
    return share(amounts[0], sum(amounts))


def _each_share(amounts) -> list[str]:
    return [f"{decimal(amount)} ({share(amount, sum(amounts))})" for amount in amounts]


# Addresses


def _address(choice) -> str:
    return f"{reverse('requests:statistics')}?{choice.written()}"


def _narrowed(figures: Figures, **narrowed) -> str:
    return _address(replace(figures.choice, **narrowed))


def _list_of(status, choice) -> str:
    """The list of the same requests, where a list has the same filters."""
    if choice.region or choice.service:
        return ""
    given = {"statut": status.value, "langue": choice.language, "du": choice.first, "au": choice.last}
    return f"{reverse('requests:requests')}?{urlencode({name: value for name, value in given.items() if value})}"


def _filters(figures: Figures) -> dict:
    choice, known = figures.choice, figures.known
    csv = reverse("requests:statistics_csv")
    shown = {
        "region": ("Région", [("", "Toutes"), *known.regions.items()], choice.region),
        "langue": ("Langue", [("", "Toutes"), *known.languages.items()], choice.language),
        "service": ("Service", [("", "Tous"), *spans.SERVICES.items()], choice.service),
    }
    given = spans.presets(choice, timezone.localdate(figures.at))
    return {
        "choice": choice,
        "few": FEW,
        "days": date_range_words(choice.first, choice.last),
        "filters": [(name, *listed) for name, listed in shown.items()],
        "presets": [(label, _address(other), other == choice) for label, other in given],
        "language": known.languages.get(choice.language, ""),
        "csv": f"{csv}?{choice.written()}",
    }


# Files


def _delay_rows(figures: Figures):
    for key, words in DELAYS.items():
        if delay := figures.delays.get(key):
            yield words, delay.number, *(round(_in_hours(waited), 1) for waited in (delay.median, delay.ninetieth))


def _person_rows(figures: Figures):
    for name, person in figures.people(EVERYBODY):
        yield name, person.rank, person.name, person.services, round(Decimal(person.minutes) / 60, 2)


def _load_rows(figures: Figures):
    for name, load in figures.loads:
        hours, most = (round(Decimal(minutes) / 60, 2) for minutes in (load.minutes, load.most))
        yield name, hours, load.people, load.busy, load.half, most


def _rate_rows(rates):
    return [(rate.label, rate.filled, rate.whole) for rate in rates]


TABLES = {
    "periode": (
        ["Du", "Au", *OUTCOMES.values()],
        lambda figures: [(step.first, step.last, *numbers) for _, step, numbers in figures.by_step],
    ),
    "statut": (
        ["Statut", "Demandes"],
        lambda figures: [(status.label, number) for status, number in figures.by_status],
    ),
    "delais": (["Demandes", "Nombre", "Médiane (heures)", "Neuf sur dix (heures)"], _delay_rows),
    "langue": (["Langue", "Pourvues", "Cherchées"], lambda figures: _rate_rows(figures.filled_by_language())),
    "region": (["Région", "Pourvues", "Cherchées"], lambda figures: _rate_rows(figures.filled_by_region())),
    "offres": (["Langue", *ANSWERS.values()], lambda figures: [(name, *row[1:]) for name, row in figures.answers]),
    "annulations": (["Établissement", "Annulations tardives", "Demandes"], lambda figures: figures.late),
    "charge": (
        ["Langue", "Heures", "Interprètes", "Avec des heures", "Ont la moitié des heures", "Heures du plus chargé"],
        _load_rows,
    ),
    "interpretes": (["Langue", "Rang", "Interprète", "Services", "Heures"], _person_rows),
}


@require_safe
def statistics_csv(request):
    """One of the tables (`tableau`) of the same address, whole, for a spreadsheet."""
    only(request, Role.COORDINATOR)
    figures = _figures(request)
    name = request.GET.get("tableau")
    name = name if name in TABLES else "periode"
    header, rows = TABLES[name]
    return download(f"statistiques-{name}-{figures.choice.name}.csv", as_csv(header, rows(figures)), CSV)
