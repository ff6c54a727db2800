from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension, UnaccentExtension
from django.db import migrations


class Migration(migrations.Migration):
    """btree_gist for the exclusion of double bookings, unaccent for French sorting, pg_trgm for search."""

    dependencies = []
    operations = [BtreeGistExtension(), UnaccentExtension(), TrigramExtension()]
