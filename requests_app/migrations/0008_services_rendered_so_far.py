from django.db import migrations, models

REPORTS = ["provide", "report_cancelled", "claim", "correct"]


def read_what_was_reported(apps, schema_editor):
    """Whether each service was rendered, as the last report in its history says."""
    requests, steps = (apps.get_model("requests_app", name).objects for name in ("ServiceRequest", "Transition"))
    reports = steps.filter(service_request=models.OuterRef("pk"), action__in=REPORTS).order_by("-id")
    reported = requests.annotate(said=models.Subquery(reports.values("to_status")[:1]))
    for status, is_rendered in (("provided", True), ("cancelled", False)):
        reported.filter(said=status).update(is_rendered=is_rendered)


class Migration(migrations.Migration):
    dependencies = [("requests_app", "0007_finding_an_interpreter")]
    operations = [migrations.RunPython(read_what_was_reported, migrations.RunPython.noop)]
