from django.db import migrations


def rewrite(apps, schema_editor):
    """« 514-555-0123 » → « +15145550123 »; what is not ten digits is not a number anybody can be reached at."""
    User = apps.get_model("accounts", "User")
    for user in User.objects.exclude(mobile_phone="").only("pk", "mobile_phone"):
        digits = "".join(filter(str.isdigit, user.mobile_phone)).removeprefix("1")
        user.mobile_phone = f"+1{digits}" if len(digits) == 10 and digits[0] > "1" else ""
        user.save(update_fields=["mobile_phone"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_append_only")]
    operations = [migrations.RunPython(rewrite, migrations.RunPython.noop)]
