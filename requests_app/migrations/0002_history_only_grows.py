from django.db import migrations

TRIGGER = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON requests_app_transition
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    """The history of requests is append-only, TRUNCATE included."""

    dependencies = [("accounts", "0003_append_only"), ("requests_app", "0001_requests")]
    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER only_grows ON requests_app_transition")]
