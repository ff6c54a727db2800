from django.urls import path

from ims.demo import views

app_name = "demo"
urlpatterns = [path("boite-envoi/", views.outbox, name="outbox")]
