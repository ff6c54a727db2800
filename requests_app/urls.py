from django.urls import path

from requests_app.views import answers, availability, coordination, departures, feed, home, messages, requests

app_name = "requests"
urlpatterns = [
    path("", home.index, name="home"),
    path("bi/", coordination.board, name="board"),
    path("o/<int:offer>/<str:key>/", answers.answer, name="answer"),
    path("demandes/nouvelle/", coordination.create, name="create"),
    path("demandes/<int:number>/", requests.detail, name="detail"),
    path("demandes/<int:number>/accepter/", requests.accept, name="accept"),
    path("demandes/<int:number>/refuser/", requests.refuse, name="refuse"),
    path("demandes/<int:number>/pris-connaissance/", requests.acknowledge, name="acknowledge"),
    path("demandes/<int:number>/desistement/", requests.withdraw, name="withdraw"),
    path("demandes/<int:number>/desistement-urgent/", messages.ask_urgently, name="ask_urgently"),
    path("demandes/<int:number>/communications/", requests.add_communication, name="add_communication"),
    path(
        "demandes/<int:number>/communications/<int:pk>/retirer/",
        requests.remove_communication,
        name="remove_communication",
    ),
    path("demandes/<int:number>/messages/", messages.post, name="post_message"),
    path("demandes/<int:number>/messages/lus/", messages.read, name="read_messages"),
    path("demandes/<int:number>/ecrire/", messages.compose, name="compose"),
    path("demandes/<int:number>/modifier/", coordination.modify, name="modify"),
    path("demandes/<int:number>/annuler/", coordination.cancel, name="cancel"),
    path("bi/demandes/<int:number>/offrir/", coordination.offer, name="offer"),
    path("bi/demandes/<int:number>/offres/<int:interpreter>/retirer/", coordination.retract, name="retract"),
    path("bi/demandes/<int:number>/attribuer/", coordination.assign, name="assign"),
    path("bi/demandes/<int:number>/non-alloue/", coordination.release, name="release"),
    path("bi/demandes/<int:number>/retablir/", coordination.reinstate, name="reinstate"),
    path("bi/demandes/<int:number>/refuser-desistement/", messages.decline_urgent, name="decline_urgent"),
    path("disponibilites/", availability.availability, name="availability"),
    path("disponibilites/<int:pk>/retirer/", availability.remove_absence, name="remove_absence"),
    path("disponibilites/heures/", availability.weekly_hours, name="weekly_hours"),
    path("calendrier/<int:pk>/<str:key>.ics", feed.calendar_feed, name="calendar_feed"),
    path("profil/calendrier/", feed.calendar_address, name="calendar_address"),
    path("comptes/<int:pk>/desactiver/", departures.deactivate, name="deactivate"),
]
