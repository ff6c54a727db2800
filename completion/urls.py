from django.urls import path

app_name = "completion"
urlpatterns = []
