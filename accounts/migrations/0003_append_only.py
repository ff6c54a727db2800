from django.db import migrations

FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'La table % ne peut que croître.', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


class Migration(migrations.Migration):
    """The function of the triggers that keep history and the pay ledger append-only."""

    dependencies = [("accounts", "0002_directory_and_people")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION refuse_change()")]
