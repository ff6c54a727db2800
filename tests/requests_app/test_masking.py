"""What people typed, without the patient nor the professional: the one rule of every page and of paper."""

import pytest

from accounts.models import User
from requests_app.masking import eraser
from requests_app.models import ServiceRequest
from tests.make import PERSONAL

P, D = "[usager]", "[professionnel(le)]"
KNOWN = PERSONAL | {"instructions": ""}


def hidden(text: str, *, is_professional_known=False, **given) -> str:
    return eraser(ServiceRequest(**KNOWN | given), is_professional_known=is_professional_known)(text)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Ulric Vandemoortele est venu.", f"{P} est venu."),
        ("M. VANDEMOORTELE, ulric a appelé", f"M. {P} a appelé"),
        ("Joint d’Ulric", f"Joint d’{P}"),
        ("Vandemoortele_Ulric-2.jpg", f"{P}-2.jpg"),
        ("UlricVandemoortele.pdf", f"{P}.pdf"),
        ("Ulrich et Vandemoorteles", "Ulrich et Vandemoorteles"),
        ("au 438 555 0142, 4385550142 ou (438) 555-0142", f"au {P}, {P} ou ({P}"),
        ("+1 438.555.0142", f"+{P}"),
        ("14385550142", P),
        ("24385550142", "24385550142"),
        ("dossier DX 774411, dx774411", f"dossier {P}, {P}"),
        ("La Dre Quanteau (zephyrine), 514 555 0177", f"La Dre {D} ({D}), {D}"),
        ("18,4 km, 14 h 10\n82,00 $", "18,4 km, 14 h 10\n82,00 $"),
        ("", ""),
    ],
)
def test_a_text_is_read_without_whom_the_request_names(typed, read):
    assert hidden(typed) == read


@pytest.mark.parametrize(
    ("name", "typed", "read"),
    [
        ("Luu-Roy Anh", "Luu, Roy et anh; Luu Roy Anh", f"{P} et {P}; {P}"),
        ("Jean d’Amours", "D'Amours, DAmours", f"D'{P}, DAmours"),
        ("Éloïse Côté", "eloise cote, E\u0301loi\u0308se.", f"{P}."),
        ("Marie des Anges", "Des retards: Marie des Anges, des clés", f"Des retards: {P}, des clés"),
        ("Li Wu", "Li Wu, Wu, liwu", f"{P}, Wu, {P}"),
        ("Straße (M.*", "STRASSE, M.*", f"{P}.*"),
        ("", "Rien à cacher", "Rien à cacher"),
    ],
)
def test_a_name_is_its_words_of_three_letters_or_more_whatever_their_accents(name, typed, read):
    assert hidden(typed, patient_name=name) == read


def test_the_number_before_an_extension_is_known_alone():
    assert hidden("514-555-0188 ou 514 555 0188 poste 12", patient_phone="514 555-0188, poste 12") == f"{P} ou {P}"


def test_a_professional_known_to_the_reader_is_named():
    assert hidden("Dre Quanteau, Ulric", is_professional_known=True) == f"Dre Quanteau, {P}"


def test_an_interpreter_whom_the_reader_does_not_know_is_hidden_with_their_telephone_and_address():
    person = User(first_name="Yolande", last_name="Tremblay-Kâ", mobile_phone="+14385550166", email="yo.ka@exemple.ca")
    hide = eraser(ServiceRequest(**KNOWN), interpreters=[person])
    said = "Yolande, 438 555-0166 ou yo.ka@exemple.ca, pour Ulric"
    assert hide(said) == f"[interprète], [interprète] ou [interprète], pour {P}"
