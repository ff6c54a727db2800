"""What a notification says, and handing an e-mail to the mail server."""

import smtplib
from contextlib import suppress

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts import gsm7
from accounts.models import Notification
from accounts.providers import Busy, Refused, Unknown, in_time

_UNREACHABLE = "Serveur de courriel injoignable."


def email_for(notification: Notification, drawn: dict | None = None) -> EmailMultiAlternatives:
    """The e-mail of a row: its topic's text, whose first line is the subject, and the same in HTML.

    `drawn` is what only this sending says (accounts/drawn.py).
    """
    text = _text("email", notification, drawn or {})
    subject, _, body = (part.strip() for part in text.partition("\n"))
    message = EmailMultiAlternatives(
        subject=subject,
        body=body + "\n",
        to=[notification.address or notification.user.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("email/layout.html", {"subject": subject, "body": body}), "text/html")
    return message


def text_of_sms(notification: Notification, drawn: dict | None = None) -> str:
    """The text message of a row, in letters that fit one segment."""
    return gsm7.plain(_text("sms", notification, drawn or {}))


def _text(kind: str, notification: Notification, drawn: dict) -> str:
    given = {"user": notification.user, "base_url": settings.BASE_URL, **drawn, **notification.context}
    return render_to_string(f"{kind}/{notification.topic}.txt", given).strip()


def send(message: EmailMultiAlternatives) -> None:
    """Hand one message to the mail server. Raises Refused, Busy or Unknown (accounts/providers.py)."""
    in_time(2 * settings.EMAIL_TIMEOUT, lambda: _send(message))


def _send(message: EmailMultiAlternatives) -> None:
    server = mail.get_connection()
    try:
        _hand_over(server, message, _open(server))
    finally:
        # A goodbye that fails does not undo what was accepted.
        with suppress(OSError):
            server.close()


def _open(server) -> list:
    """Reach the server and greet it; what is returned is filled when the text itself begins to leave."""
    begun = []
    try:
        server.open()
        if connection := getattr(server, "connection", None):
            connection.ehlo_or_helo_if_needed()
            data = connection.data
            connection.data = lambda text: begun.append(True) or data(text)
    except OSError:  # smtplib's own errors are some of these
        raise Busy(_UNREACHABLE) from None
    return begun


def _hand_over(server, message: EmailMultiAlternatives, begun: list) -> None:
    try:
        server.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        raise _answered(max(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPSenderRefused as error:
        raise Busy(f"Le serveur de courriel refuse notre adresse ({error.smtp_code}).") from None
    except smtplib.SMTPResponseException as error:
        raise _answered(error.smtp_code) from None
    except (ValueError, smtplib.SMTPNotSupportedError):
        raise Refused("Adresse de courriel invalide.") from None
    except OSError:
        raise (Unknown("Le serveur de courriel n’a pas répondu.") if begun else Busy(_UNREACHABLE)) from None


def _answered(code: int) -> Refused | Busy:
    """4xx: later (greylisting); 5xx: never (RFC 5321, 4.2.1)."""
    if code < 500:
        return Busy(f"Le serveur de courriel demande d’attendre ({code}).", is_general=False)
    return Refused(f"Le serveur de courriel refuse ce message ({code}).")
