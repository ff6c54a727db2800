"""Crafted posts: every button's address, on every status, by every role, before and after the start (reliability B8).

What is refused wrote nothing; what was done is a row of the customer's table. Each post is undone before the next.
"""

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from ims import urls
from requests_app.workflow import STEPS, Status
from tests import counts, make
from tests.completion import make as filed
from tests.pages import ago, ahead, forms, signed_in, written

pytestmark = pytest.mark.django_db
ROLES = [make.alice, make.bob, make.requester, make.coordinator, make.validator, make.administrator]
# What a person types or chooses, all at once: a form takes what it knows and leaves the rest.
TYPED = {
    "note": "Entendu au téléphone.",
    "body": "Bonjour",
    "maintenant": "confirmation",
    "is_rendered": "oui",
    "communications-TOTAL_FORMS": "0",
    "communications-INITIAL_FORMS": "0",
    "amount": "12,00",
    "valider": "1",
    "retourner": "1",
}
REVIEW = "/admin/completion/review/{}/change/"


def addresses() -> list[str]:
    """Every address of ours about one request, with its number left open."""
    found = [REVIEW]
    for entry in urls.urlpatterns:
        if getattr(entry, "namespace", None) in ("requests", "completion"):
            ours = [page for page in entry.url_patterns if set(page.pattern.converters) == {"number"}]
            found += [reverse(f"{entry.namespace}:{page.name}", args=[0]).replace("/0/", "/{}/") for page in ours]
    return sorted(found)


def started(status: Status):
    """The same an hour after its start; nobody waits for an answer then."""
    made = make.request(status, at=ago(9), starts_at=ahead(14))
    begun = timezone.now() - make.HOUR
    type(made).objects.filter(pk=made.pk).update(starts_at=begun, ends_at=begun + make.LENGTH)
    return made


def ahead_of(status: Status):
    return make.request(status, at=ago(9), starts_at=ahead(14))


def over(status: Status):
    """A report kept as the completion room keeps it."""
    return filed.provided(at=ago(9), starts_at=ago(3))


CASES = [
    (build, status) for build in (ahead_of, started) for status in Status if build is ahead_of or status != "completed"
]
CASES += [(over, Status.PROVIDED)]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("build", "status"), CASES)
def test_b8_what_is_refused_wrote_nothing_and_what_is_done_is_in_the_table(build, status, role):
    made, user = build(status), role()
    made.refresh_from_db()
    client, case = signed_in(user), f"{build.__name__} {status} {role.__name__}"
    for address in turn(addresses(), case):
        for reason in ("by_requester", "Trop loin"):
            check(client, user, made, address.format(made.pk), reason=reason)


def test_b8_a_post_that_the_table_allows_is_done():
    made, user = ahead_of(Status.RESERVED), make.requester()
    answers = check(signed_in(user), user, made, f"/demandes/{made.pk}/annuler/", reason="by_requester")
    assert answers[-1] == 302


def turn(found: list[str], case: str) -> list[str]:
    """One address in twenty at every run, others for each case; all of them with --long."""
    return found if counts.is_long else found[sum(case.encode()) % 20 :: 20]


def check(client, user, made, address, **typed) -> list[int]:
    """Post as from the page of the address, then once more from the page that it answers, if it asks to confirm."""
    answers, page = [], client.get(address)
    for _ in range(2):
        before, steps = written(made), made.transitions.count()
        with transaction.atomic():
            page = client.post(address, {"version": made.version} | _fields(page) | TYPED | typed)
            after, last = written(made), list(made.transitions.all()[steps:])
            transaction.set_rollback(True)
        answers.append(page.status_code)
        assert page.status_code < 500, address
        assert page.status_code < 400 or before == after, f"{address} answered {page.status_code} and wrote"
        rows = {(step.action, step.from_status, step.to_status, user.role) for step in last if step.by == user}
        assert rows <= {(step.action, step.source or "", step.target, step.role) for step in STEPS}, address
        if page.status_code not in (200, 409, 422):
            break
    return answers


def _fields(page) -> dict:
    """What the forms of a page would send."""
    if page.status_code not in (200, 409, 422) or page.streaming:
        return {}
    found = {name: value for form in forms(page) if form.method == "post" for name, value in form.fields.items()}
    return {name: value for name, value in found.items() if value is not None}
