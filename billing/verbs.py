"""What is written of the pay, tried again when two people meet, like a request's verbs (reliability, B10)."""

from functools import partial

from requests_app.moves import verb

BUSY = "D’autres personnes enregistrent la paie en ce moment. Rien n’est enregistré\u00a0: réessayez dans un instant."

pay_verb = partial(verb, busy=BUSY)
