"""The filters beside the queue, each with how many files it would keep."""

from django.contrib.admin import SimpleListFilter
from django.utils import timezone

from accounts import keyset
from accounts.models import User
from completion.queue import Choice, Counts, narrowed


def counts_of(request) -> Counts:
    """Counted once for all the filters of a page."""
    if not hasattr(request, "queue_counts"):
        request.queue_counts = Counts(at=timezone.now(), choice=Choice.read(request.GET.dict()))
    return request.queue_counts


class QueueFilter(SimpleListFilter):
    """A parameter of `queue.Choice`; the queue is narrowed by all of them and by name at once, in AlertFilter."""

    def lookups(self, request, model_admin):
        return [(value, f"{label} ({number})") for value, label, number in self.offered(counts_of(request))]

    def queryset(self, request, queryset):
        return queryset


class AlertFilter(QueueFilter):
    title, parameter_name = "alertes", "alertes"
    offered = staticmethod(Counts.alerts)

    def queryset(self, request, queryset):
        counts = counts_of(request)
        return narrowed(queryset, counts.choice, known=counts.flags, at=counts.at)


class AgeFilter(QueueFilter):
    title, parameter_name = "âge", "age"
    offered = staticmethod(Counts.ages)


class ReturnedFilter(QueueFilter):
    title, parameter_name = "retournée", "retournee"
    offered = staticmethod(Counts.returned)


class RegionFilter(QueueFilter):
    title, parameter_name = "région", "region"
    offered = staticmethod(Counts.regions)


class InterpreterFilter(QueueFilter):
    """Those with the most files in the queue, and the one chosen; the others are found by name."""

    title, parameter_name = "interprète", "interprete"
    offered = staticmethod(Counts.people)

    def lookups(self, request, model_admin):
        listed = super().lookups(request, model_admin)
        if counts_of(request).has_more_people():
            self.title = "interprète (les autres\u00a0: cherchez par nom)"
        chosen = keyset.number(request.GET.get(self.parameter_name, ""))
        if not chosen or str(chosen) in dict(listed):
            return listed
        person = User.objects.filter(pk=chosen).first()
        return [*listed, (str(chosen), str(person))] if person else listed
