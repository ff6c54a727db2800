from django.apps import AppConfig


class RequestsConfig(AppConfig):
    name = "requests_app"
    verbose_name = "Demandes"

    def ready(self):
        from accounts import drawn
        from requests_app.answers import draw_link
        from requests_app.notifications import Topic

        drawn.register(Topic.OFFERED, draw_link)
