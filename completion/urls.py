from django.urls import path

from completion import views

app_name = "completion"
urlpatterns = [
    path("demandes/<int:number>/achevement/", views.edit, name="edit"),
    path("demandes/<int:number>/pieces/", views.attachments, name="attachments"),
    path("demandes/<int:number>/pieces/<int:pk>/", views.attachment, name="attachment"),
]
