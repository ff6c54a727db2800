from django.db import migrations

TRIGGER = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_accountevent
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    """What happened to an account is append-only, TRUNCATE included."""

    dependencies = [("accounts", "0005_getting_in")]
    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER only_grows ON accounts_accountevent")]
