"""What the routing service is asked, and what it answered: one row a way, from one point to another."""

from django.db import models
from django.db.models import Q


def _coordinate(name: str) -> models.DecimalField:
    """Exactly as homes, head offices and installations keep theirs."""
    return models.DecimalField(name, max_digits=8, decimal_places=5)


class Route(models.Model):
    """The way by road between two points: asked by the worker (routes.py), only read by pages (distances.py).

    A place that moves has other coordinates, so another row. A home is its interpreter's own: no row says its
    coordinates in a text, and those where nobody lives any more are forgotten.
    """

    start_latitude = _coordinate("latitude du départ")
    start_longitude = _coordinate("longitude du départ")
    end_latitude = _coordinate("latitude de l’arrivée")
    end_longitude = _coordinate("longitude de l’arrivée")
    # Nothing until a plausible answer came.
    metres = models.PositiveIntegerField("mètres", null=True, blank=True)
    asked_at = models.DateTimeField("demandé le", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    # Nothing once it is answered, or given up.
    next_at = models.DateTimeField("prochain essai", null=True, blank=True)

    class Meta:
        verbose_name = "itinéraire"
        constraints = [
            models.UniqueConstraint(
                fields=["start_latitude", "start_longitude", "end_latitude", "end_longitude"],
                name="route_is_kept_once",
                violation_error_message="Cet itinéraire est déjà connu.",
            ),
            models.CheckConstraint(
                condition=Q(metres=None) | Q(next_at=None),
                name="answered_route_is_asked_no_more",
                violation_error_message="Un itinéraire connu n’est plus demandé.",
            ),
        ]
        indexes = [models.Index(fields=["next_at", "id"], condition=Q(next_at__isnull=False), name="route_due")]

    def __str__(self):
        return f"Itinéraire {self.pk}"

    @property
    def way(self) -> tuple:
        return self.start_latitude, self.start_longitude, self.end_latitude, self.end_longitude
