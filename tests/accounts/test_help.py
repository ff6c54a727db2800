"""« J'ai des problèmes de connexion à la plateforme web » (FAQ), for whoever cannot come in."""

import pytest

from tests import make
from tests.pages import nobody, said, signed_in

pytestmark = pytest.mark.django_db
HELP = "/aide/connexion/"


@pytest.mark.parametrize(
    "words",
    [
        "sans laisser d’espace après l’avoir collé",
        "Dans la case ID d’instance , inscrivez CIUSSS .",
        "Essayez un navigateur différent, par exemple Microsoft Edge, Chrome, Safari ou Firefox",
        "Videz le cache et supprimez les cookies de la page IMS",
        "service informatique s’il y a des protections en place qui empêchent l’accès à la plateforme",
        "J’ai oublié mon mot de passe",
        "Je n’ai pas reçu le code de vérification",
        "J’ai changé de cellulaire",
        "514-597-3284",
        "biq@ssss.gouv.qc.ca",
        "un maximum de détails",
    ],
)
def test_the_faqs_answer_is_there(words):
    assert words.replace(" ,", ",").replace(" .", ".") in said(nobody().get(HELP))


@pytest.mark.parametrize("browser", ["Google Chrome", "Microsoft Edge", "Mozilla Firefox", "Safari"])
def test_each_browser_has_its_steps_on_a_computer_and_on_a_telephone(browser):
    page = nobody().get(HELP).content.decode()
    _, _, steps = page.partition(f"<details><summary>{browser}</summary>")
    assert steps.partition("</details>")[0].count("<b>Sur un") == 2


@pytest.mark.parametrize("path", ["/connexion/", "/connexion/oubli/", "/connexion/oubli/envoi/", HELP])
def test_the_pages_of_who_is_outside_lead_to_the_help(path):
    assert f'href="{HELP}"' in nobody().get(path).content.decode()


def test_every_page_leads_to_it_from_its_foot():
    assert f'href="{HELP}"' in signed_in(make.alice()).get("/").content.decode().partition("<footer")[2]


@pytest.mark.parametrize("path", [HELP, "/connexion/oubli/", "/connexion/oubli/envoi/"])
def test_it_is_read_without_a_session(path):
    response = nobody().get(path)
    assert response.status_code == 200
    assert "sessionid" not in response.cookies
