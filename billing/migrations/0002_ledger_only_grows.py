from django.db import migrations

TRIGGER = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_payline
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    """The pay ledger is append-only, TRUNCATE included."""

    dependencies = [("accounts", "0003_append_only"), ("billing", "0001_pay")]
    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER only_grows ON billing_payline")]
