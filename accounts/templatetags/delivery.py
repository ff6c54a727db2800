from django import template
from django.utils import timezone

from accounts import undelivered

register = template.Library()


@register.inclusion_tag("accounts/_undelivered.html")
def undelivered_notice():
    """How many messages of the last 7 days did not arrive; nothing when they all did. One query."""
    found = undelivered.count_recent(timezone.now())
    return {"number": found, "count": f"{undelivered.MOST}+" if found > undelivered.MOST else found}
