from django.urls import path

from ims.demo import views

app_name = "demo"
urlpatterns = [
    path("", views.index, name="index"),
    path("entrer/<str:username>/", views.enter, name="enter"),
    path("boite-envoi/", views.outbox, name="outbox"),
]
