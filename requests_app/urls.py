from django.urls import path

from requests_app.views import coordination, departures, messages, requests

app_name = "requests"
urlpatterns = [
    path("", requests.index, name="home"),
    path("bi/", coordination.board, name="board"),
    path("demandes/nouvelle/", coordination.create, name="create"),
    path("demandes/<int:number>/", requests.detail, name="detail"),
    path("demandes/<int:number>/accepter/", requests.accept, name="accept"),
    path("demandes/<int:number>/refuser/", requests.refuse, name="refuse"),
    path("demandes/<int:number>/pris-connaissance/", requests.acknowledge, name="acknowledge"),
    path("demandes/<int:number>/desistement/", requests.withdraw, name="withdraw"),
    path("demandes/<int:number>/desistement-urgent/", messages.ask_urgently, name="ask_urgently"),
    path("demandes/<int:number>/communications/", requests.add_communication, name="add_communication"),
    path("demandes/<int:number>/messages/", messages.post, name="post_message"),
    path("demandes/<int:number>/ecrire/", messages.compose, name="compose"),
    path("demandes/<int:number>/modifier/", coordination.modify, name="modify"),
    path("demandes/<int:number>/annuler/", coordination.cancel, name="cancel"),
    path("bi/demandes/<int:number>/offrir/", coordination.offer, name="offer"),
    path("bi/demandes/<int:number>/offres/<int:interpreter>/retirer/", coordination.retract, name="retract"),
    path("bi/demandes/<int:number>/attribuer/", coordination.assign, name="assign"),
    path("bi/demandes/<int:number>/non-alloue/", coordination.release, name="release"),
    path("bi/demandes/<int:number>/retablir/", coordination.reinstate, name="reinstate"),
    path("bi/demandes/<int:number>/refuser-desistement/", messages.decline_urgent, name="decline_urgent"),
    path("comptes/<int:pk>/desactiver/", departures.deactivate, name="deactivate"),
]
