from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class ImsAdminConfig(AdminConfig):
    default_site = "ims.admin.ImsAdminSite"


class ImsConfig(AppConfig):
    name = "ims"
    verbose_name = "IMS"

    def ready(self):
        from ims.reference import seed_after_migrate

        # Emitted once per room, in order: after the last one every table stands.
        post_migrate.connect(seed_after_migrate, sender=apps.get_app_config("completion"))
