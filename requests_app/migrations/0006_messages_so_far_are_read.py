from django.db import migrations


class Migration(migrations.Migration):
    """What was written before the marks existed was read; whose side it was for follows from its author."""

    dependencies = [("requests_app", "0005_read_marks_links_and_calendars")]
    operations = [
        migrations.RunSQL(
            """
            UPDATE requests_app_message message
            SET is_to_bi = author.role IN ('interpreter', 'requester'), read_at = message.at
            FROM accounts_user author
            WHERE author.id = message.author_id
            """,
            migrations.RunSQL.noop,
        )
    ]
