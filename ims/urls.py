from django.conf import settings
from django.contrib import admin
from django.urls import include, path

handler500 = "ims.errors.server_error"
urlpatterns = [
    path("", include("ims.web_app")),
    path("", include("accounts.urls")),
    path("", include("requests_app.urls")),
    path("", include("billing.urls")),
    path("", include("completion.urls")),
    # After the rooms: two pages of the help are theirs.
    path("aide/", include("ims.help.urls")),
    path("admin/", admin.site.urls),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("ims.demo.urls")))
