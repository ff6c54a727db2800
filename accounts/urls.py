from django.urls import path

from accounts.views import delivery, help, profile, protection, reset, sign_in, undelivered

app_name = "accounts"
urlpatterns = [
    path("connexion/", sign_in.sign_in, name="login"),
    path("connexion/mot-de-passe/", sign_in.new_password, name="new_password"),
    path("connexion/code/", sign_in.code, name="code"),
    path("connexion/protection/", protection.protect, name="protect"),
    path("connexion/application/", protection.app, name="app"),
    path("connexion/codes-de-recuperation/", protection.recovery_codes, name="recovery_codes"),
    path("deconnexion/", sign_in.sign_out, name="logout"),
    path("sms/etat/<str:token>/", delivery.sms_status, name="sms_status"),
    path("connexion/oubli/", reset.forgotten, name="forgotten"),
    path("connexion/oubli/envoi/", reset.forgotten_done, name="forgotten_done"),
    path("connexion/nouveau-mot-de-passe/<str:uid>/<str:token>/", reset.reset, name="reset"),
    path("aide/connexion/", help.sign_in, name="help_sign_in"),
    path("profil/", profile.profile, name="profile"),
    path("profil/code/", profile.choose_factor, name="choose_factor"),
    path("profil/raccourcis/", profile.shortcuts, name="shortcuts"),
    path("profil/mot-de-passe/", profile.change_password, name="change_password"),
    path("profil/coordonnees/", profile.change_contact, name="change_contact"),
    path("profil/coordonnees/code/", profile.confirm_contact, name="confirm_contact"),
    path("profil/sessions/fermer/", profile.end_session, name="end_session"),
    path("profil/sessions/fermer-les-autres/", profile.end_other_sessions, name="end_other_sessions"),
    path("profil/appareils/oublier/", profile.forget_browser, name="forget_browser"),
    path("profil/plus-tard/", profile.snooze, name="snooze"),
    path("profil/session/", profile.stay, name="stay"),
    path("bi/non-remis/", undelivered.undelivered, name="undelivered"),
    path("bi/non-remis/<int:pk>/renvoyer/", undelivered.resend, name="resend"),
]
