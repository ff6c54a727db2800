from django.urls import path

from completion.views import claims, earnings, files, offline, receipt, report, signatures

app_name = "completion"
urlpatterns = [
    path("hors-ligne/", offline.offline, name="offline"),
    path("brouillons/", offline.offline, name="drafts"),
    path("ma-paie/", earnings.earnings, name="earnings"),
    path("ma-paie/csv/", earnings.earnings_csv, name="earnings_csv"),
    path("demandes/<int:number>/achevement/", report.edit, name="edit"),
    path("demandes/<int:number>/achevement/estimation/", report.estimate, name="estimate"),
    path("demandes/<int:number>/pieces/", files.attachments, name="attachments"),
    path("demandes/<int:number>/pieces/<int:pk>/", files.attachment, name="attachment"),
    path("demandes/<int:number>/pieces/<int:pk>/vignette/", files.thumbnail, name="thumbnail"),
    path("demandes/<int:number>/achevement/recu/", receipt.receipt, name="receipt"),
    path("demandes/<int:number>/reclamation/", claims.claim, name="claim"),
    path("demandes/<int:number>/signatures/", signatures.sign, name="sign"),
    path("demandes/<int:number>/signatures/<int:pk>/", signatures.signature, name="signature"),
]
