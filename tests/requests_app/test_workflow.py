"""The customer's transition table, as text, against every cell of the code's (domain.md, « Statuses »)."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from accounts.roles import Role
from requests_app.workflow import STATUS_HELP, Action, Facts, NotAllowed, Status, available, next_status
from tests.make import HOUR, MICROSECOND, local

TABLE = """
submit | – | unallocated | requester | before the start
submit | – | unallocated | coordinator | before the start or noted
relay | – | provided | system |
offer | unallocated, pending | pending | coordinator, system | before the start
accept | pending | reserved | interpreter | offer open, before the start
refuse | pending | pending | interpreter | offer open, others asked
refuse | pending | unallocated | interpreter | offer open, nobody else asked
expire | pending | pending | system | others asked
expire | pending | unallocated | system | nobody else asked
retract | pending | pending | coordinator | others asked
retract | pending | unallocated | coordinator | nobody else asked
assign | unallocated, pending | reserved | coordinator | noted
reassign | reserved, modified | reserved | coordinator | noted
modify | unallocated | unallocated | requester, coordinator |
modify | pending | pending | requester, coordinator |
modify | reserved, modified | modified | requester | in time
modify | reserved, modified | modified | coordinator | in time or noted
acknowledge | modified | reserved | interpreter | theirs
mark_unallocated | reserved, modified | unallocated | interpreter | theirs, more than 48 h or unseen change
mark_unallocated | reserved, modified | unallocated | coordinator | noted
mark_unallocated | reserved, modified | unallocated | system |
provide | reserved, modified | provided | interpreter | theirs, from the start
provide | reserved, modified | provided | coordinator | from the start, noted
report_cancelled | reserved, modified | cancelled | interpreter | theirs, from the start
report_cancelled | reserved, modified | cancelled | coordinator | from the start, noted
cancel | unallocated, pending, reserved, modified | cancelled | requester, coordinator |
claim | cancelled | cancelled | interpreter | theirs, nothing filed, something to claim
reinstate | cancelled | unallocated | coordinator | before the start, nothing filed, noted
correct | provided | provided | interpreter | theirs, rendered
correct | provided | cancelled | interpreter | theirs, not rendered
correct | provided | provided | coordinator | rendered, noted
correct | provided | cancelled | coordinator | not rendered, noted
correct | cancelled | cancelled | interpreter | theirs, filed, not rendered
correct | cancelled | provided | interpreter | theirs, filed, rendered, cancelled by the report
correct | cancelled | cancelled | coordinator | filed, not rendered, noted
correct | cancelled | provided | coordinator | filed, rendered, cancelled by the report, noted
return_for_correction | provided | provided | validator | noted
return_for_correction | cancelled | cancelled | validator | filed, noted
validate | provided, cancelled | completed | validator | something to decide, not the filer
"""

# What each condition means, and which facts it looks at. `left` is the time before the start.
NONE, TWO_DAYS = timedelta(), timedelta(hours=48)
CONDITIONS = {
    "before the start": (lambda f: f["left"] > NONE, ["left"]),
    "from the start": (lambda f: f["left"] <= NONE, ["left"]),
    "before the start or noted": (lambda f: f["left"] > NONE or f["noted"], ["left", "noted"]),
    "noted": (lambda f: f["noted"], ["noted"]),
    "in time": (lambda f: not f["is_late_change"], ["is_late_change"]),
    "in time or noted": (lambda f: not f["is_late_change"] or f["noted"], ["is_late_change", "noted"]),
    "offer open": (lambda f: f["has_open_offer"], ["has_open_offer"]),
    "others asked": (lambda f: f["leaves_open_offers"], ["leaves_open_offers"]),
    "nobody else asked": (lambda f: not f["leaves_open_offers"], ["leaves_open_offers"]),
    "theirs": (lambda f: f["is_assigned"], ["is_assigned"]),
    "more than 48 h or unseen change": (
        lambda f: f["left"] > TWO_DAYS or (f["withdraws_freely"] and f["left"] > NONE),
        ["left", "withdraws_freely"],
    ),
    "filed": (lambda f: f["is_filed"], ["is_filed"]),
    "nothing filed": (lambda f: not f["is_filed"], ["is_filed"]),
    "something to claim": (lambda f: f["has_claim"], ["has_claim"]),
    "rendered": (lambda f: f["is_rendered"] is True, ["is_rendered"]),
    "not rendered": (lambda f: f["is_rendered"] is False, ["is_rendered"]),
    "cancelled by the report": (lambda f: f["cancelled_by_report"], ["cancelled_by_report"]),
    "something to decide": (lambda f: f["is_due_to_review"], ["is_due_to_review"]),
    "not the filer": (lambda f: not f["is_filer"], ["is_filer"]),
}
GIVEN_WITH_THE_ACTION = {"noted", "is_rendered", "is_late_change", "leaves_open_offers", "has_claim"}
SWITCHES = sorted({name for _, names in CONDITIONS.values() for name in names} - {"left", "is_rendered"})
VALUES = dict.fromkeys(SWITCHES, [False, True])
VALUES["left"] = [TWO_DAYS + MICROSECOND, TWO_DAYS, MICROSECOND, NONE, -MICROSECOND]
VALUES["is_rendered"] = [None, False, True]
START = local("2025-03-06 13:00")


def _rows():
    for line in TABLE.strip().splitlines():
        action, sources, target, roles, words = (cell.strip() for cell in line.split("|"))
        conditions = [word.strip() for word in words.split(",") if word.strip()]
        for source, role in product(sources.split(","), roles.split(",")):
            source = None if source.strip() == "–" else Status(source.strip())
            yield (Action(action), source, Role(role.strip())), (Status(target), conditions)


CELLS = {}
for cell, row in _rows():
    CELLS.setdefault(cell, []).append(row)
EVERY_CELL = list(product(Action, [None, *Status], Role))


def worlds(names):
    """Every combination of the named facts, the others all favourable, then all unfavourable."""
    for others in (False, True):
        rest = dict.fromkeys(SWITCHES, others) | {"left": HOUR if others else -HOUR, "is_rendered": None}
        for values in product(*(VALUES[name] for name in names)):
            yield rest | dict(zip(names, values, strict=True))


def facts(world):
    given = {name: value for name, value in world.items() if name != "left"}
    return Facts(at=START.astimezone(UTC) - world["left"], starts_at=START, **given)


def outcome(cell, world):
    """The status that follows, or the sentence of the refusal."""
    action, status, role = cell
    try:
        return next_status(status, action, role, facts=facts(world))
    except NotAllowed as refusal:
        return str(refusal)


def expected(cell, world):
    targets = [t for t, words in CELLS.get(cell, []) if all(CONDITIONS[word][0](world) for word in words)]
    assert len(targets) < 2, f"the table says two things of {cell}"
    return targets[0] if targets else None


def names_of(cell):
    return sorted({name for _, words in CELLS[cell] for word in words for name in CONDITIONS[word][1]})


@pytest.mark.parametrize("action", Action)
def test_what_the_customer_wrote_happens_under_its_conditions_and_no_other(action):
    for cell in (cell for cell in CELLS if cell[0] == action):
        for world in worlds(names_of(cell)):
            found, wanted = outcome(cell, world), expected(cell, world)
            assert found == wanted if wanted else found not in Status.values, (cell, world, found)


@pytest.mark.parametrize("action", Action)
def test_what_the_customer_did_not_write_is_refused_whatever_the_facts(action):
    unwritten = [cell for cell in EVERY_CELL if cell[0] == action and cell not in CELLS]
    assert len(unwritten) >= 40
    for cell, world in product(unwritten, worlds(["left", "is_rendered", "noted"])):
        assert outcome(cell, world) not in Status.values, (cell, world)


def test_every_refusal_is_a_french_sentence():
    english = {action.value for action in Action} | {status.value for status in Status}
    for cell in EVERY_CELL:
        for world in worlds(names_of(cell) if cell in CELLS else []):
            said = outcome(cell, world)
            if said not in Status.values:
                assert said[0].isupper() and said.endswith(".") and len(said.split()) > 3, (cell, said)
                assert not english & set(said.split()), (cell, said)


def test_an_interpreter_never_reads_non_alloue():
    for cell in (cell for cell in EVERY_CELL if cell[2] == Role.INTERPRETER and cell[1]):
        for world in worlds(names_of(cell) if cell in CELLS else []):
            assert "Non alloué" not in outcome(cell, world), cell


def test_an_interpreter_who_answers_too_late_reads_that_it_is_gone():
    for action, status in product([Action.ACCEPT, Action.REFUSE], set(Status) - {Status.PENDING}):
        said = outcome((action, status, Role.INTERPRETER), next(worlds([])))
        assert said == "Cette demande n’est plus disponible.", status


def test_the_condition_that_fails_is_the_one_that_is_said():
    noted = dict.fromkeys(SWITCHES, True) | {"left": HOUR, "is_rendered": True}
    early = outcome((Action.PROVIDE, Status.RESERVED, Role.COORDINATOR), noted)
    assert early == "Les détails de l’achèvement s’ouvrent à l’heure de début du service."
    silent = noted | {"left": -HOUR, "noted": False}
    assert outcome((Action.PROVIDE, Status.RESERVED, Role.COORDINATOR), silent) == "Une note est requise."


def test_nothing_moves_after_acheve():
    assert not [cell for cell in CELLS if cell[1] == Status.COMPLETED]
    for role, world in product(Role, worlds([])):
        assert available(Status.COMPLETED, role, facts=facts(world)) == []


# The buttons


NOT_INPUT = [name for name in sorted(VALUES) if name not in GIVEN_WITH_THE_ACTION]


def shown(status, role, world):
    """By the text: the actions of which some row holds, apart from what the person gives with the action."""
    found = set()
    for (action, source, who), rows in CELLS.items():
        if (source, who) == (status, role):
            for _, words in rows:
                asked = [word for word in words if not set(CONDITIONS[word][1]) & GIVEN_WITH_THE_ACTION]
                if all(CONDITIONS[word][0](world) for word in asked):
                    found.add(action)
    return found


@pytest.mark.parametrize("role", Role)
def test_the_buttons_are_what_the_table_allows_once_a_note_is_typed(role):
    for status, world in product(Status, worlds(NOT_INPUT)):
        buttons = available(status, role, facts=facts(world))
        assert set(buttons) == shown(status, role, world), (status, world)
        assert len(buttons) == len(set(buttons))


# Boundaries, of three points each


def withdraws(left):
    world = dict.fromkeys(SWITCHES, False) | {"is_assigned": True, "left": left, "is_rendered": None}
    return outcome((Action.MARK_UNALLOCATED, Status.RESERVED, Role.INTERPRETER), world) == Status.UNALLOCATED


@pytest.mark.parametrize(
    ("left", "may"), [(TWO_DAYS + MICROSECOND, True), (TWO_DAYS, False), (TWO_DAYS - MICROSECOND, False)]
)
def test_one_withdraws_alone_strictly_more_than_48_hours_before(left, may):
    assert withdraws(left) is may


@pytest.mark.parametrize(
    ("at", "may"),
    [("2025-03-08 12:59:59.999999", True), ("2025-03-08 13:00", False), ("2025-03-08 13:00:00.000001", False)],
)
def test_the_48_hours_are_elapsed_time_over_the_change_of_clock(at, may):
    """The night of 9 March has 23 hours: 48 hours before Monday 14:00 is Saturday 13:00, on any clock in the facts."""
    given = {"starts_at": local("2025-03-10 14:00"), "is_assigned": True}
    for zone in (UTC, START.tzinfo):
        moment = Facts(at=local(at).astimezone(zone), **given)
        try:
            next_status(Status.RESERVED, Action.MARK_UNALLOCATED, Role.INTERPRETER, facts=moment)
            assert may
        except NotAllowed:
            assert not may


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, False), (NONE, True), (MICROSECOND, True)])
def test_the_details_open_at_the_start_itself(late, may):
    world = dict.fromkeys(SWITCHES, False) | {"is_assigned": True, "left": -late, "is_rendered": None}
    assert (outcome((Action.PROVIDE, Status.RESERVED, Role.INTERPRETER), world) == Status.PROVIDED) is may


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, True), (NONE, False), (MICROSECOND, False)])
def test_an_offer_is_accepted_until_the_start_and_no_longer(late, may):
    world = dict.fromkeys(SWITCHES, False) | {"has_open_offer": True, "left": -late, "is_rendered": None}
    assert (outcome((Action.ACCEPT, Status.PENDING, Role.INTERPRETER), world) == Status.RESERVED) is may


def test_the_doubled_hour_of_november_is_not_taken_for_the_start():
    """01:30 comes twice on 2 November 2025: at the first, a service of the second has not started."""
    first = datetime(2025, 11, 2, 1, 45, tzinfo=START.tzinfo)
    second = datetime(2025, 11, 2, 1, 30, fold=1, tzinfo=START.tzinfo)
    assert not Facts(at=first, starts_at=second).has_started


def test_each_status_has_its_help_sentence():
    assert set(STATUS_HELP) == set(Status)
    assert all(sentence.endswith(".") for sentence in STATUS_HELP.values())
