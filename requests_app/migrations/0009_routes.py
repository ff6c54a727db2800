from django.db import migrations, models


class Migration(migrations.Migration):
    """What the routing service is asked, and what it answered."""

    dependencies = [("requests_app", "0008_services_rendered_so_far")]

    operations = [
        migrations.CreateModel(
            name="Route",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "start_latitude",
                    models.DecimalField(decimal_places=5, max_digits=8, verbose_name="latitude du départ"),
                ),
                (
                    "start_longitude",
                    models.DecimalField(decimal_places=5, max_digits=8, verbose_name="longitude du départ"),
                ),
                (
                    "end_latitude",
                    models.DecimalField(decimal_places=5, max_digits=8, verbose_name="latitude de l’arrivée"),
                ),
                (
                    "end_longitude",
                    models.DecimalField(decimal_places=5, max_digits=8, verbose_name="longitude de l’arrivée"),
                ),
                ("metres", models.PositiveIntegerField(blank=True, null=True, verbose_name="mètres")),
                ("asked_at", models.DateTimeField(blank=True, null=True, verbose_name="demandé le")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="essais")),
                ("next_at", models.DateTimeField(blank=True, null=True, verbose_name="prochain essai")),
            ],
            options={
                "verbose_name": "itinéraire",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)), fields=["next_at", "id"], name="route_due"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("start_latitude", "start_longitude", "end_latitude", "end_longitude"),
                        name="route_is_kept_once",
                        violation_error_message="Cet itinéraire est déjà connu.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("metres", None), ("next_at", None), _connector="OR"),
                        name="answered_route_is_asked_no_more",
                        violation_error_message="Un itinéraire connu n’est plus demandé.",
                    ),
                ],
            },
        ),
    ]
