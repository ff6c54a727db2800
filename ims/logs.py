import logging
import re

# What the database says of a refused row: its values, which are people's.
_DETAIL = re.compile(r"(?s)DETAIL:.*?(?=\n(?:CONTEXT|HINT|Traceback|During|The above|[\w.]+(?:Error|Exception))|\Z)")
# Whoever reads a log must not be able to follow these addresses (reliability, I3).
_KEYS = re.compile(r"(/connexion/nouveau-mot-de-passe/|/sms/etat/|/o/\d+/|/calendrier/\d+/)[^\s'\"]+")


class WithoutKeys(logging.Filter):
    """Takes out of every line what opens something in an address: the key of a reset, an offer, a calendar; a token."""

    def filter(self, record):
        record.msg, record.args = _KEYS.sub(r"\1…", record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _DETAIL.sub("DETAIL: …", logging.Formatter().formatException(record.exc_info))
        return True
