"""Every door of the house, and who finds it open: a new address without a decision here fails.

Deny rule (reliability, « Cases »): another's request 404, a role that has nothing to do there 403, one's own request in
the wrong state 409; nobody signed in goes to the sign-in page. Nothing is ever 500, and a GET never writes.
"""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from accounts.models import Notification
from accounts.roles import Role
from billing.models import PayPeriod, PayStatement
from billing.payroll import export as exported
from completion.models import Attachment, Signature
from requests_app.keys import key_of
from requests_app.models import Absence, CalendarFeed, Communication, MessageTemplate
from requests_app.workflow import Status
from tests import make
from tests.billing import make as pay
from tests.completion.make import attach, report, signed, times
from tests.pages import sign_in

pytestmark = pytest.mark.django_db
# One for all: each new client starts the whole house again.
BROWSER = Client()

# Charlie is a stranger; Alice holds the request, or an offer for it; Rita is of its establishment, Otto of another.
ACTORS = {
    "nobody": lambda: None,
    "charlie": make.charlie,
    "alice": make.alice,
    "rita": make.requester,
    "otto": make.other_requester,
    "corinne": make.coordinator,
    "valère": make.validator,
    "adèle": make.administrator,
}

# An address, the status of the request it is opened on (« started »: reserved, an hour ago), and what each actor gets:
# a status code, or « login ». A POST carries the version of the page and nothing else, so an open form answers 422.
DOORS = """
#                          status      method nobody charlie alice rita  otto corinne valère adèle
accounts:login             unallocated GET    200    200     200   200   200   200    200    200
accounts:login             unallocated POST   422    422     422   422   422   422    422    422
accounts:new_password      unallocated GET    login  302     302   302   302   302    302    302
accounts:new_password      unallocated POST   login  302     302   302   302   302    302    302
accounts:code              unallocated GET    login  302     302   302   302   302    302    302
accounts:code              unallocated POST   login  302     302   302   302   302    302    302
accounts:protect           unallocated GET    login  200     200   200   200   302    302    302
accounts:protect           unallocated POST   login  422     422   422   422   302    302    302
accounts:app               unallocated GET    login  200     200   200   200   200    200    200
accounts:app               unallocated POST   login  422     422   422   422   422    422    422
accounts:recovery_codes    unallocated GET    login  302     302   302   302   200    200    200
accounts:recovery_codes    unallocated POST   login  302     302   302   302   422    422    422
accounts:logout            unallocated GET    405    405     405   405   405   405    405    405
accounts:logout            unallocated POST   login  login   login login login login  login  login
accounts:sms_status        unallocated GET    405    405     405   405   405   405    405    405
accounts:sms_status        unallocated POST   403    403     403   403   403   403    403    403
accounts:forgotten         unallocated GET    200    200     200   200   200   200     200    200
accounts:forgotten         unallocated POST   422    422     422   422   422   422     422    422
accounts:forgotten_done    unallocated GET    200    200     200   200   200   200     200    200
accounts:forgotten_done    unallocated POST   405    405     405   405   405   405     405    405
accounts:reset             unallocated GET    410    410     410   410   410   410     410    410
accounts:reset             unallocated POST   410    410     410   410   410   410     410    410
accounts:help_sign_in      unallocated GET    200    200     200   200   200   200     200    200
accounts:help_sign_in      unallocated POST   405    405     405   405   405   405     405    405
app:manifest               unallocated GET    200    200     200   200   200   200     200    200
app:manifest               unallocated POST   405    405     405   405   405   405     405    405
app:worker                 unallocated GET    200    200     200   200   200   200     200    200
app:worker                 unallocated POST   405    405     405   405   405   405     405    405
app:install                unallocated GET    200    200     200   200   200   200     200    200
app:install                unallocated POST   405    405     405   405   405   405     405    405
accounts:profile           unallocated GET    login  200     200   200   200   200     200    200
accounts:profile           unallocated POST   login  302     302   302   302   302     302    302
accounts:choose_factor     unallocated GET    login  405     405   405   405   405     405    405
accounts:choose_factor     unallocated POST   login  422     422   422   422   422     422    422
accounts:shortcuts         unallocated GET    login  405     405   405   405   405    405    405
accounts:shortcuts         unallocated POST   login  403     403   403   403   302    403    403
accounts:change_password   unallocated GET    login  200     200   200   200   200     200    200
accounts:change_password   unallocated POST   login  422     422   422   422   422     422    422
accounts:change_contact    unallocated GET    login  200     200   200   200   200     200    200
accounts:change_contact    unallocated POST   login  422     422   422   422   422     422    422
accounts:confirm_contact   unallocated GET    login  302     302   302   302   302     302    302
accounts:confirm_contact   unallocated POST   login  302     302   302   302   302     302    302
accounts:end_session       unallocated GET    login  405     405   405   405   405     405    405
accounts:end_session       unallocated POST   login  404     404   404   404   404     404    404
accounts:end_other_sessions unallocated GET   login  405     405   405   405   405     405    405
accounts:end_other_sessions unallocated POST  login  302     302   302   302   302     302    302
accounts:forget_browser    unallocated GET    login  405     405   405   405   405     405    405
accounts:forget_browser    unallocated POST   login  404     404   404   404   404     404    404
accounts:snooze            unallocated GET    login  405     405   405   405   405     405    405
accounts:snooze            unallocated POST   login  302     302   302   302   302     302    302
accounts:stay              unallocated GET    login  405     405   405   405   405     405    405
accounts:stay              unallocated POST   login  204     204   204   204   204     204    204
requests:home              unallocated GET    login  200     200   200   200   302    302    302
requests:home              unallocated POST   login  405     405   405   405   405    405    405
requests:board             unallocated GET    login  403     403   403   403   200    403    403
requests:board             unallocated POST   login  405     405   405   405   405    405    405
requests:requests          unallocated GET    login  403     403   403   403   200    403    403
requests:requests          unallocated POST   login  405     405   405   405   405    405    405
requests:statistics        unallocated GET    login  403     403   403   403   200    403    403
requests:statistics        unallocated POST   login  405     405   405   405   405    405    405
requests:statistics_csv    unallocated GET    login  403     403   403   403   200    403    403
requests:statistics_csv    unallocated POST   login  405     405   405   405   405    405    405
requests:create            unallocated GET    login  403     403   200   200   200    403    403
requests:create            unallocated POST   login  403     403   422   422   200    403    403
requests:detail            unallocated GET    login  404     404   200   404   200    200    404
requests:detail            unallocated POST   login  405     405   405   405   405    405    405
requests:detail            pending     GET    login  404     200   200   404   200    200    404
requests:detail            reserved    GET    login  404     200   200   404   200    200    404
requests:detail            modified    GET    login  404     200   200   404   200    200    404
requests:detail            provided    GET    login  404     200   200   404   200    200    404
requests:detail            cancelled   GET    login  404     200   200   404   200    200    404
requests:detail            completed   GET    login  404     200   200   404   200    200    404
requests:answer            unallocated GET    404    404     404   404   404   404    404    404
requests:answer            pending     GET    200    403     200   403   403   403    403    403
requests:answer            pending     POST   422    403     422   403   403   403    403    403
requests:accept            pending     GET    login  405     405   405   405   405    405    405
requests:accept            pending     POST   login  404     302   403   403   403    403    403
requests:accept            reserved    POST   login  404     409   403   403   403    403    403
requests:refuse            pending     GET    login  405     405   405   405   405    405    405
requests:refuse            pending     POST   login  404     302   403   403   403    403    403
requests:refuse            reserved    POST   login  404     409   403   403   403    403    403
requests:acknowledge       modified    GET    login  405     405   405   405   405    405    405
requests:acknowledge       modified    POST   login  404     302   403   403   403    403    403
requests:acknowledge       reserved    POST   login  404     409   403   403   403    403    403
requests:withdraw          reserved    GET    login  404     200   403   403   403    403    403
requests:withdraw          reserved    POST   login  404     302   403   403   403    403    403
requests:withdraw          started     GET    login  404     409   403   403   403    403    403
requests:withdraw          started     POST   login  404     409   403   403   403    403    403
requests:withdraw          pending     POST   login  404     409   403   403   403    403    403
requests:ask_urgently      reserved    GET    login  405     405   405   405   405    405    405
requests:ask_urgently      reserved    POST   login  404     422   403   403   403    403    403
requests:decline_urgent    reserved    GET    login  405     405   405   405   405    405    405
requests:decline_urgent    reserved    POST   login  403     403   403   403   422    403    403
requests:add_communication reserved    GET    login  405     405   405   405   405    405    405
requests:add_communication reserved    POST   login  404     422   403   403   422    403    403
requests:remove_communication reserved GET    login  405     405   405   405   405    405    405
requests:remove_communication reserved POST   login  404     302   403   403   302    403    403
requests:amend_communication reserved GET     login  405     405   405   405   405    405    405
requests:amend_communication reserved POST    login  404     422   403   403   422    403    403
requests:post_message      reserved    GET    login  405     405   405   405   405    405    405
requests:post_message      reserved    POST   login  404     422   422   404   409    403    404
requests:post_message      pending     POST   login  404     403   422   404   409    403    404
requests:read_messages     reserved    GET    login  405     405   405   405   405    405    405
requests:read_messages     reserved    POST   login  404     302   302   404   404    403    404
requests:read_messages     pending     POST   login  404     403   302   404   404    403    404
requests:compose           reserved    GET    login  404     200   403   403   403    403    403
requests:compose           reserved    POST   login  404     422   403   403   403    403    403
requests:modify            unallocated GET    login  403     403   200   404   200    403    403
requests:modify            unallocated POST   login  403     403   422   404   422    403    403
requests:modify            reserved    GET    login  403     403   200   404   200    403    403
requests:modify            reserved    POST   login  403     403   422   404   422    403    403
requests:modify            completed   GET    login  403     403   409   404   409    403    403
requests:modify            completed   POST   login  403     403   409   404   409    403    403
requests:cancel            unallocated GET    login  403     403   200   404   200    403    403
requests:cancel            unallocated POST   login  403     403   409   404   422    403    403
requests:cancel            reserved    GET    login  403     403   200   404   200    403    403
requests:cancel            reserved    POST   login  403     403   409   404   422    403    403
requests:cancel            completed   GET    login  403     403   409   404   409    403    403
requests:cancel            completed   POST   login  403     403   409   404   409    403    403
requests:offer             unallocated GET    login  403     403   403   403   200    403    403
requests:offer             unallocated POST   login  403     403   403   403   422    403    403
requests:offer             reserved    GET    login  403     403   403   403   409    403    403
requests:offer             reserved    POST   login  403     403   403   403   409    403    403
requests:retract           pending     GET    login  405     405   405   405   405    405    405
requests:retract           pending     POST   login  403     403   403   403   302    403    403
requests:stop_waves        pending     GET    login  405     405   405   405   405    405    405
requests:stop_waves        pending     POST   login  403     403   403   403   409    403    403
requests:assign            unallocated GET    login  403     403   403   403   200    403    403
requests:assign            unallocated POST   login  403     403   403   403   422    403    403
requests:assign            reserved    GET    login  403     403   403   403   200    403    403
requests:assign            reserved    POST   login  403     403   403   403   422    403    403
requests:assign            completed   POST   login  403     403   403   403   409    403    403
requests:release           reserved    GET    login  403     403   403   403   200    403    403
requests:release           reserved    POST   login  403     403   403   403   422    403    403
requests:release           unallocated POST   login  403     403   403   403   409    403    403
requests:reinstate         cancelled   GET    login  403     403   403   403   200    403    403
requests:reinstate         cancelled   POST   login  403     403   403   403   422    403    403
requests:reinstate         reserved    POST   login  403     403   403   403   409    403    403
requests:interpreters      unallocated GET    login  403     403   403   403   200    403    403
requests:interpreters      unallocated POST   login  405     405   405   405   405    405    405
requests:interpreter       reserved    GET    login  403     403   403   403   200    403    403
requests:interpreter       reserved    POST   login  405     405   405   405   405    405    405
requests:practice          reserved    GET    login  403     403   403   403   200    403    403
requests:practice          reserved    POST   login  403     403   403   403   422    403    403
requests:exclude           reserved    GET    login  403     403   403   403   200    403    403
requests:exclude           reserved    POST   login  403     403   403   403   422    403    403
requests:lift              reserved    GET    login  405     405   405   405   405    405    405
requests:lift              reserved    POST   login  403     403   403   403   422    403    403
requests:message_templates unallocated GET    login  403     403   403   403   200    403    403
requests:message_templates unallocated POST   login  405     405   405   405   405    405    405
requests:new_template      unallocated GET    login  403     403   403   403   200    403    403
requests:new_template      unallocated POST   login  403     403   403   403   422    403    403
requests:message_template  unallocated GET    login  403     403   403   403   200    403    403
requests:message_template  unallocated POST   login  403     403   403   403   422    403    403
requests:remove_template   unallocated GET    login  405     405   405   405   405    405    405
requests:remove_template   unallocated POST   login  403     403   403   403   302    403    403
requests:use_template      reserved    GET    login  403     403   403   403   200    403    403
requests:use_template      reserved    POST   login  403     403   403   403   200    403    403
completion:edit            pending     GET    login  404     403   403   404   200    200    404
completion:edit            pending     POST   login  404     403   403   404   409    403    404
completion:edit            reserved    GET    login  404     200   403   404   200    200    404
completion:edit            reserved    POST   login  404     409   403   404   409    403    404
completion:edit            started     GET    login  404     200   403   404   200    200    404
completion:edit            started     POST   login  404     422   403   404   422    403    404
completion:edit            completed   GET    login  404     200   403   404   200    200    404
completion:edit            completed   POST   login  404     409   403   404   409    403    404
completion:estimate        started     GET    login  405     405   405   405   405    405    405
completion:estimate        pending     POST   login  404     403   403   404   409    403    404
completion:estimate        started     POST   login  404     200   403   404   200    403    404
completion:attachments     pending     GET    login  404     403   403   404   200    200    404
completion:attachments     started     GET    login  404     200   403   404   200    200    404
completion:attachments     started     POST   login  404     422   403   404   422    403    404
completion:attachment      started     GET    login  404     200   403   404   200    200    404
completion:attachment      started     POST   login  404     302   403   404   302    403    404
completion:thumbnail       started     GET    login  404     200   403   404   200    200    404
completion:thumbnail       started     POST   login  405     405   405   405   405    405    405
completion:claim           cancelled   GET    login  405     405   405   405   405    405    405
completion:claim           cancelled   POST   login  404     409   403   404   403    403    404
completion:receipt         started     GET    login  404     409   403   404   409    409    404
completion:receipt         provided    GET    login  404     200   403   404   200    200    404
completion:receipt         provided    POST   login  405     405   405   405   405    405    405
completion:sign            started     GET    login  404     409   403   404   409    409    404
completion:sign            provided    GET    login  404     200   403   404   200    409    404
completion:sign            provided    POST   login  404     422   403   404   422    403    404
completion:signature       provided    GET    login  404     200   403   404   200    200    404
completion:signature       provided    POST   login  405     405   405   405   405    405    405
completion:offline         unallocated GET    200    200     200   200   200   200    200    200
completion:offline         unallocated POST   405    405     405   405   405   405    405    405
completion:drafts          unallocated GET    200    200     200   200   200   200    200    200
completion:drafts          unallocated POST   405    405     405   405   405   405    405    405
completion:earnings        unallocated GET    login  200     200   403   403   403    403    403
completion:earnings        unallocated POST   login  405     405   405   405   405    405    405
completion:earnings_csv    unallocated GET    login  200     200   403   403   403    403    403
completion:earnings_csv    unallocated POST   login  405     405   405   405   405    405    405
billing:board              unallocated GET    login  403     403   403   403   403    200    200
billing:board              unallocated POST   login  405     405   405   405   405    405    405
billing:board_csv          unallocated GET    login  403     403   403   403   403    200    200
billing:board_csv          unallocated POST   login  405     405   405   405   405    405    405
accounts:undelivered       unallocated GET    login  403     403   403   403   200    403    200
accounts:undelivered       unallocated POST   login  405     405   405   405   405    405    405
accounts:resend            reserved    GET    login  405     405   405   405   405    405    405
accounts:resend            reserved    POST   login  403     403   403   403   409    403    409
requests:deactivate        reserved    GET    login  403     403   403   403   403    403    200
requests:deactivate        reserved    POST   login  403     403   403   403   403    403    422
requests:availability      unallocated GET    login  200     200   403   403   403    403    403
requests:availability      unallocated POST   login  422     422   403   403   403    403    403
requests:remove_absence    unallocated GET    login  405     405   405   405   405    405    405
requests:remove_absence    unallocated POST   login  404     302   403   403   403    403    403
requests:weekly_hours      unallocated GET    login  405     405   405   405   405    405    405
requests:weekly_hours      unallocated POST   login  302     302   403   403   403    403    403
requests:calendar_feed     unallocated GET    200    200     200   200   200   200    200    200
requests:calendar_feed     unallocated POST   405    405     405   405   405   405    405    405
requests:calendar_address  unallocated GET    login  405     405   405   405   405    405    405
requests:calendar_address  unallocated POST   login  404     404   403   403   403    403    403
billing:periods            unallocated GET    login  403     403   403   403   403    200    403
billing:periods            unallocated POST   login  405     405   405   405   405    405    405
billing:compute            completed   GET    login  405     405   405   405   405    405    405
billing:compute            completed   POST   login  403     403   403   403   403    409    403
billing:period             completed   GET    login  403     403   403   403   403    200    403
billing:period             completed   POST   login  405     405   405   405   405    405    405
billing:publish            completed   GET    login  405     405   405   405   405    405    405
billing:publish            completed   POST   login  403     403   403   403   403    409    403
billing:discard            completed   GET    login  405     405   405   405   405    405    405
billing:discard            completed   POST   login  403     403   403   403   403    409    403
billing:statement          completed   GET    login  404     200   403   403   403    200    403
billing:statement          completed   POST   login  405     405   405   405   405    405    405
billing:statement_pdf      completed   GET    login  404     200   403   403   403    200    403
billing:statement_pdf      completed   POST   login  405     405   405   405   405    405    405
billing:export             completed   GET    login  405     405   405   405   405    405    405
billing:export             completed   POST   login  403     403   403   403   403    302    403
billing:exported           completed   GET    login  403     403   403   403   403    200    403
billing:exported           completed   POST   login  405     405   405   405   405    405    405
billing:institutions       completed   GET    login  403     403   403   403   403    200    403
billing:institutions       completed   POST   login  405     405   405   405   405    405    405
billing:institution        completed   GET    login  403     403   403   403   403    200    403
billing:institution        completed   POST   login  405     405   405   405   405    405    405
billing:institution_file   completed   GET    login  403     403   403   403   403    200    403
billing:institution_file   completed   POST   login  405     405   405   405   405    405    405
help:index                 unallocated GET    200    200     200   200   200   200    200    200
help:index                 unallocated POST   405    405     405   405   405   405    405    405
help:page                  unallocated GET    200    200     200   200   200   200    200    200
help:page                  unallocated POST   405    405     405   405   405   405    405    405
demo:index                 unallocated GET    200    200     200   200   200   200    200    200
demo:index                 unallocated POST   405    405     405   405   405   405    405    405
demo:enter                 unallocated GET    405    405     405   405   405   405    405    405
demo:enter                 unallocated POST   404    404     404   404   404   404    404    404
demo:outbox                unallocated GET    200    200     200   200   200   200    200    200
demo:outbox                unallocated POST   405    405     405   405   405   405    405    405
"""

# What the number of an address is; a file's where nothing is said.
PK_OF = {
    "requests:remove_communication": Communication,
    "requests:amend_communication": Communication,
    "completion:signature": Signature,
    "accounts:resend": Notification,
    "requests:remove_absence": Absence,
    "requests:calendar_feed": CalendarFeed,
    "requests:message_template": MessageTemplate,
    "requests:remove_template": MessageTemplate,
    **dict.fromkeys(["billing:period", "billing:publish", "billing:discard"], PayPeriod),
    **dict.fromkeys(["billing:export", "billing:exported", "billing:institutions"], PayPeriod),
    **dict.fromkeys(["billing:institution", "billing:institution_file"], PayPeriod),
    **dict.fromkeys(["billing:statement", "billing:statement_pdf"], PayStatement),
}
# The address of a page about an interpreter: Alice's.
OF_INTERPRETER = {
    "requests:deactivate",
    "requests:interpreter",
    "requests:practice",
    "requests:exclude",
    "requests:lift",
}

# The admin: who reads and who may add, model by model. Everybody else is sent to sign in.
ADMIN = {
    "healthregion": ("valère adèle", "adèle"),
    "institution": ("valère adèle", "adèle"),
    "language": ("valère adèle", "adèle"),
    "user": ("adèle", "adèle"),
    "notification": ("adèle", ""),
    "facility": ("valère adèle", "adèle"),
    "holiday": ("valère adèle", "adèle"),
    "paypolicy": ("valère adèle", ""),
    "payline": ("valère", ""),
    "review": ("valère", ""),
    # Installed with the libraries; nobody's.
    **dict.fromkeys(["group", "schedule", "success", "failure", "ormq", "totpdevice"], ("", "")),
}
# The admin's own pages, each with who opens it; those of a model (its list, its form…) are in ADMIN.
ADMIN_PAGES = {
    "index": "valère adèle",
    "app_list": "",  # leads to the home, which lists all of it
    "password_change": "",
    "password_change_done": "",
    "accounts_user_factor_reset": "adèle",
    "jsi18n": "valère adèle",
    "autocomplete": "",
    "view_on_site": "",
    "login": "",
    "logout": "",
}


def addresses(resolver=None, namespace="") -> dict[str, URLPattern]:
    """Every named address of the house, « room:name »."""
    found = {}
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            found[f"{namespace}{entry.name}"] = entry
        else:
            found |= addresses(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
    return found


def doors():
    """(address, status, method, what each actor gets)."""
    for line in DOORS.strip().splitlines()[1:]:
        name, status, method, *answers = line.split()
        assert len(answers) == len(ACTORS), line
        if name.startswith("demo:") and not settings.DEMO:
            continue
        yield name, status, method, dict(zip(ACTORS, answers, strict=True))


def stage(status: str):
    """A request of Alice's in a status, five days ahead; or an hour ago when it is over, with a file attached."""
    at, is_over = timezone.now() - timedelta(days=20), status in {"started", Status.PROVIDED, Status.COMPLETED}
    starts_at = timezone.now() + (-make.HOUR if is_over else timedelta(days=5))
    made = make.request(Status.RESERVED if status == "started" else status, at=at, starts_at=starts_at)
    if status == "started":
        attach(made, at=timezone.now())
    if status == Status.RESERVED:
        make.communication(made, made_at=at)
    if status == Status.PROVIDED:
        report(made, at=timezone.now(), **times(made, length=make.HOUR / 2))
        signed(made, at=timezone.now())
    if status == Status.COMPLETED:
        pay.paid(starts_at=at, validated_at=at + make.HOUR * 2)
        exported(pay.period(at=timezone.now()), "csv", by=make.validator(), at=timezone.now())
    make.absence()
    make.feed()
    make.message_template()
    return made


def sessions() -> dict[str, str]:
    """The session cookie of each actor, empty for nobody."""
    opened = {}
    for name, give in ACTORS.items():
        if user := give():
            sign_in(BROWSER, user)
        opened[name] = BROWSER.cookies[settings.SESSION_COOKIE_NAME].value if user else ""
        BROWSER.cookies.clear()
    return opened


def address_of(name, service_request) -> str:
    known = {"number": service_request.pk, "interpreter": make.alice().pk, "uid": "MQ", "token": "abc-def"}
    known |= {"institution": make.institution().pk, "fmt": "csv", "username": make.alice().username, "slug": "statuts"}
    known["offer"] = service_request.offers.values_list("pk", flat=True).first() or 1
    known["key"] = key_of("offer", known["offer"], known["interpreter"])
    known["pk"] = PK_OF.get(name, Attachment).objects.values_list("pk", flat=True).first() or 1
    if name == "requests:calendar_feed":
        known["key"] = key_of("calendar", known["pk"], 1)
    if name in OF_INTERPRETER:
        known["pk"] = known["interpreter"]
    known["exclusion"] = make.exclusion().pk if name == "requests:lift" else 0
    address = reverse(name, kwargs={key: known[key] for key in addresses()[name].pattern.converters})
    return f"{address}?fil=demandeur" if name == "requests:use_template" else address


def answer(session, method, address, data=None) -> str:
    """« login », or the status code. What it writes is undone, and a GET that writes is refused by the database."""
    BROWSER.cookies.clear()
    if session:
        BROWSER.cookies[settings.SESSION_COOKIE_NAME] = session
    with transaction.atomic():
        if method == "GET":
            connection.cursor().execute("SET LOCAL transaction_read_only = on")
        response = getattr(BROWSER, method.lower())(address, data)
        b"".join(response)  # a file is closed once it is read
        transaction.set_rollback(True)
    is_login = response.status_code == 302 and response["Location"].partition("?")[0] == "/connexion/"
    return "login" if is_login else str(response.status_code)


def answers_of(actors, method, address, data=None) -> dict[str, str]:
    return {actor: answer(session, method, address, data) for actor, session in actors.items()}


@pytest.mark.parametrize("status", [*Status, "started"])
def test_each_door_opens_to_whom_the_table_says(status):
    made, actors = stage(status), sessions()
    wrong = {}
    for name, _, method, said in (door for door in doors() if door[1] == status):
        data = {"version": made.version} if method == "POST" else None
        found = answers_of(actors, method, address_of(name, made), data)
        if found != said:
            wrong[f"{name} {method}"] = {actor: (said[actor], found[actor]) for actor in found if said != found}
    assert wrong == {}, "address: {actor: (said by the table, found)}"


def password_alone() -> str:
    """The session of a coordinator who gave the password and owes the code."""
    BROWSER.post(
        "/connexion/", {"username": make.coordinator().username, "password": make.PASSWORD, "instance": "CIUSSS"}
    )
    return BROWSER.cookies[settings.SESSION_COOKIE_NAME].value


def session_without_factor() -> str:
    """A session of before: its person has become somebody who must verify."""
    BROWSER.force_login(make.coordinator())
    return BROWSER.cookies[settings.SESSION_COOKIE_NAME].value


# Where the code is given, which the password opens.
SECOND_STEP = {"accounts:new_password", "accounts:code", "accounts:protect", "accounts:app"}


@pytest.mark.parametrize("half", [password_alone, session_without_factor])
@pytest.mark.parametrize("status", [Status.UNALLOCATED, Status.RESERVED, "started"])
def test_F4_a_password_without_its_code_opens_what_nobody_opens(status, half):
    made, session, wrong = stage(status), half(), {}
    for name, _, method, said in (door for door in doors() if door[1] == status and door[0] not in SECOND_STEP):
        data = {"version": made.version} if method == "POST" else None
        if (found := answer(session, method, address_of(name, made), data)) != said["nobody"]:
            wrong[f"{name} {method}"] = found
    assert wrong == {}


def test_F4_the_second_step_itself_opens_no_door():
    stage(Status.UNALLOCATED)
    session = password_alone()
    found = {name: answer(session, "GET", reverse(name)) for name in SECOND_STEP}
    assert found == dict.fromkeys(SECOND_STEP, "302") | {"accounts:code": "200"}


def test_F4_the_admin_stays_closed_to_a_password_without_its_code():
    BROWSER.force_login(make.administrator())
    session = BROWSER.cookies[settings.SESSION_COOKIE_NAME].value
    found = {name: answer(session, "GET", address) for name, address in admin_pages().items()}
    assert {name: said for name, said in found.items() if said != "login"} == {}


def test_every_address_has_its_decision():
    decided = {name for name, *_ in doors()}
    assert {name for name in addresses() if not name.startswith("admin:")} == decided


def test_every_address_is_decided_for_a_reader_and_for_a_writer():
    methods = {}
    for name, _, method, _ in doors():
        methods.setdefault(name, set()).add(method)
    assert {name for name, known in methods.items() if known != {"GET", "POST"}} == set()


def test_no_door_answers_to_another_method():
    made, session = stage("started"), sessions()["corinne"]
    opened = {}
    for name in sorted({name for name, *_ in doors()}):
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
            found = answer(session, method, address_of(name, made))
            if found not in {"403", "404", "405"}:
                opened[f"{name} {method}"] = found
    assert opened == {}


def test_an_unknown_number_is_nobodys():
    made, actors = stage(Status.RESERVED), sessions()
    found = answers_of(actors, "GET", f"/demandes/{made.pk + 1}/")
    assert found == {"nobody": "login", **dict.fromkeys(list(ACTORS)[1:], "404")}


# The admin


def admin_pages() -> dict[str, str]:
    """The admin's addresses that are not a model's own: {name: address}."""
    models = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    known = {"app_list": {"app_label": "accounts"}, "view_on_site": {"content_type_id": 1, "object_id": 1}}
    known["accounts_user_factor_reset"] = {"pk": make.coordinator().pk}
    names = {name.partition(":")[2] for name in addresses() if name.startswith("admin:")} - {"None"}
    own = {name for name in names if name.rpartition("_")[0] not in models}
    return {name: reverse(f"admin:{name}", kwargs=known.get(name)) for name in own}


def opens_to(allowed: str, found: dict) -> bool:
    """The staff allowed come in, the other staff are refused, the rest are turned away."""
    staff = {"valère": "403", "adèle": "403"} | dict.fromkeys(allowed.split(), "200")
    return found == dict.fromkeys(ACTORS, "302") | {"nobody": "login"} | staff


@pytest.mark.parametrize(("view", "column"), [("changelist", 0), ("add", 1)])
def test_each_list_of_the_admin_opens_to_whom_the_table_says(view, column):
    actors, wrong = sessions(), {}
    for model in admin.site._registry:
        name = model._meta.model_name
        found = answers_of(actors, "GET", reverse(f"admin:{model._meta.app_label}_{name}_{view}"))
        if name not in ADMIN or not opens_to(ADMIN[name][column], found):
            wrong[name] = found
    assert wrong == {}


def test_each_page_of_the_admin_opens_to_whom_the_table_says():
    actors, found = sessions(), {}
    for name, address in admin_pages().items():
        found[name] = {actor for actor, said in answers_of(actors, "GET", address).items() if said == "200"}
    assert found == {name: set(allowed.split()) for name, allowed in ADMIN_PAGES.items()}


@pytest.mark.parametrize("actor", ["charlie", "rita", "corinne"])
def test_whoever_the_admin_is_not_for_is_told_so(actor):
    assert answer(sessions()[actor], "GET", reverse("admin:login")) == "403"


def test_only_validators_and_administrators_are_staff():
    assert {Role(user.role) for give in ACTORS.values() if (user := give()) and user.is_staff} == {
        Role.VALIDATOR,
        Role.ADMINISTRATOR,
    }
