from django.db import migrations

TRIGGER = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON completion_completionrevision
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    """Every revision of a report is kept, TRUNCATE included."""

    dependencies = [("accounts", "0003_append_only"), ("completion", "0001_completion")]
    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER only_grows ON completion_completionrevision")]
