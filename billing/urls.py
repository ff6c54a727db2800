from django.urls import path

from billing.views import board, exports, statements

app_name = "billing"
urlpatterns = [
    path("paie/releves/", statements.periods, name="periods"),
    path("paie/releves/calculer/", statements.compute, name="compute"),
    path("paie/releves/<int:pk>/", statements.period, name="period"),
    path("paie/releves/<int:pk>/publier/", statements.publish, name="publish"),
    path("paie/releves/<int:pk>/abandonner/", statements.discard, name="discard"),
    path("paie/releves/<int:pk>/export/<str:fmt>/", exports.export, name="export"),
    path("paie/releves/<int:pk>/export/<str:fmt>/fichier/", exports.exported, name="exported"),
    path("paie/releves/<int:pk>/etablissements/", exports.institutions, name="institutions"),
    path("paie/releves/<int:pk>/etablissements/<int:institution>/", exports.institution, name="institution"),
    path(
        "paie/releves/<int:pk>/etablissements/<int:institution>/<str:fmt>/",
        exports.institution_file,
        name="institution_file",
    ),
    path("releves/<int:pk>/", statements.statement, name="statement"),
    path("releves/<int:pk>/pdf/", exports.statement_pdf, name="statement_pdf"),
    path("paie/tableau/", board.board, name="board"),
    path("paie/tableau/csv/", board.board_csv, name="board_csv"),
]
