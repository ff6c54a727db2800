"""How a tariff comes into force: a validator drafts it, an administrator publishes it (domain.md, « Who »; issue 7).

Whoever publishes has the tariffs alone (`ledger.hold`): nobody freezes a line meanwhile.
"""

from datetime import date, datetime

from accounts.models import User
from accounts.roles import Role
from billing.ledger import hold
from billing.models import PayPolicy
from billing.stakes import date_error, publication
from billing.tariff_words import WORDS
from billing.verbs import pay_verb
from requests_app.moves import Stale
from requests_app.workflow import NotAllowed

State = PayPolicy.State
GONE = "Ce brouillon a été abandonné ou publié entre-temps. Rien n’est enregistré."
CHANGED = "Ce qui est en jeu a changé depuis que vous l’avez lu\u00a0: relisez, puis confirmez."


# Who may what, in one place.


def may_draft(user: User) -> bool:
    """Whether `user` copies, edits and abandons drafts: validators."""
    return user.is_active and user.role == Role.VALIDATOR


def may_publish(user: User) -> bool:
    """Whether `user` publishes and confirms tariffs: administrators, who draft none."""
    return user.is_active and user.role == Role.ADMINISTRATOR


def _check(is_allowed: bool, sentence: str) -> None:
    if not is_allowed:
        raise NotAllowed(sentence)


# Writing.


@pay_verb
def draft_from(policy: PayPolicy, *, by: User, effective_from: date, at: datetime) -> PayPolicy:
    """A draft with the rates of `policy`, to edit, then to be published; its rates are to be confirmed.

    Raises NotAllowed for whoever is not a validator and for a date that cannot be (`date_error`).
    """
    _check(may_draft(by), "Seul un valideur prépare une politique.")
    error = date_error(effective_from, at=at)
    _check(not error, error)
    rates = {name: getattr(policy, name) for name in WORDS}
    return PayPolicy.objects.create(**rates, effective_from=effective_from, drafted_by=by)


@pay_verb
def edit(policy: PayPolicy, *, by: User) -> PayPolicy:
    """Keep the date and the rates of a draft, and who gave them. Raises NotAllowed: validators, a draft only."""
    _check(may_draft(by), "Seul un valideur prépare une politique.")
    locked_draft(policy)
    policy.drafted_by = by
    policy.save(update_fields=[*WORDS, "effective_from", "drafted_by"])
    return policy


@pay_verb
def discard(policy: PayPolicy, *, by: User) -> None:
    """Abandon a draft: nothing of it is kept. Raises NotAllowed: validators, a draft only."""
    _check(may_draft(by), "Seul un valideur abandonne un brouillon.")
    locked_draft(policy).delete()


@pay_verb
def publish(
    policy: PayPolicy,
    *,
    by: User,
    at: datetime,
    seen: str,
    is_past_accepted: bool = False,
    is_doubt_accepted: bool = False,
) -> PayPolicy:
    """Put a draft in force from its date, replacing the row of the same date when it paid nobody.

    `seen` is the `Publication.seen` of the page that was confirmed. Raises NotAllowed for whoever is not an
    administrator or edited the draft last, for a date already paid, and, unless accepted, for a past one or for an
    amount that moves much; Stale.
    """
    _check(may_publish(by), "Seul un administrateur publie une politique.")
    hold(to_publish=True)
    draft = locked_draft(policy)
    _check(draft.drafted_by_id != by.pk, "Qui prépare une politique ne la publie pas.")
    found = publication(draft, at=at)
    _check(not found.error, found.error)
    if seen != found.seen:
        raise Stale(CHANGED)
    _check(is_past_accepted or not found.is_past, "La date est passée\u00a0: confirmez-la.")
    _check(is_doubt_accepted or not found.has_doubts, "Un montant change beaucoup\u00a0: confirmez-le.")
    if found.replaced:
        PayPolicy.objects.filter(pk=found.replaced.pk).update(state=State.REPLACED)
    draft.state, draft.published_by, draft.published_at = State.PUBLISHED, by, at
    draft.save(update_fields=["state", "published_by", "published_at"])
    return draft


@pay_verb
def confirm_rates(policy: PayPolicy, *, by: User) -> None:
    """The amounts of a published tariff are the real ones: no more « Tarifs à confirmer ». Raises NotAllowed."""
    _check(may_publish(by), "Seul un administrateur confirme les tarifs.")
    rows = PayPolicy.objects.published().filter(pk=policy.pk, rates_confirmed=False)
    _check(rows.update(rates_confirmed=True) == 1, "Les tarifs de cette politique ne sont pas à confirmer.")


@pay_verb
def locked_draft(policy: PayPolicy) -> PayPolicy:
    """The draft as it is now, held until the transaction ends. Raises NotAllowed when it is one no longer."""
    row = PayPolicy.objects.select_for_update().filter(pk=policy.pk, state=State.DRAFT).first()
    _check(row is not None, GONE)
    return row
