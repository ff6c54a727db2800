"""Where services take place: 12 institutions of the reference data, and 40 invented installations near their towns."""

from decimal import Decimal

from accounts.models import Institution
from requests_app.models import Facility

# Seven of Montréal, and one of each of five other regions.
INSTITUTIONS = {
    "centre-sud": "CIUSSS du Centre-Sud-de-l’Île-de-Montréal",
    "centre-ouest": "CIUSSS du Centre-Ouest-de-l’Île-de-Montréal",
    "ouest": "CIUSSS de l’Ouest-de-l’Île-de-Montréal",
    "nord": "CIUSSS du Nord-de-l’Île-de-Montréal",
    "est": "CIUSSS de l’Est-de-l’Île-de-Montréal",
    "chum": "CHUM",
    "sainte-justine": "CHU Sainte-Justine",
    "québec": "CIUSSS de la Capitale-Nationale",
    "estrie": "CIUSSS de l’Estrie–CHUS",
    "outaouais": "CISSS de l’Outaouais",
    "laval": "CISSS de Laval",
    "montérégie": "CISSS de la Montérégie-Centre",
}

# Under its institution and town: name | street | area | latitude | longitude. Names and streets are invented; the towns
# and areas are real.
FACILITIES = """
centre-sud, Montréal
  CLSC des Érables-Rouges | 2180, rue des Érables-Rouges | Ville-Marie | 45.5236 | -73.5531
  CLSC de la Lanterne | 6455, rue de la Lanterne | Rosemont–La Petite-Patrie | 45.5479 | -73.5902
  Hôpital du Grand-Phare | 4820, boul. du Grand-Phare | Verdun | 45.4586 | -73.5702
  Centre jeunesse du Tilleul | 915, rue du Tilleul | Le Sud-Ouest | 45.4790 | -73.5790
centre-ouest, Montréal
  CLSC du Mont-Clair | 5710, ch. du Mont-Clair | Côte-des-Neiges | 45.4960 | -73.6320
  Clinique des réfugiés de la Passerelle | 3325, av. de la Passerelle | Côte-des-Neiges | 45.5012 | -73.6268
  Hôpital des Deux-Rives | 3780, ch. des Deux-Rives | Outremont | 45.5174 | -73.6071
ouest, Pointe-Claire
  CLSC du Lac-aux-Outardes | 13, av. des Outardes | Pointe-Claire | 45.4486 | -73.8168
ouest, Montréal
  CLSC de la Pointe-Verte | 1920, boul. de la Pointe-Verte | LaSalle | 45.4310 | -73.6340
  Hôpital de la Baie-Claire | 8585, terrasse de la Baie | LaSalle | 45.4270 | -73.6150
nord, Montréal
  CLSC de la Rivière-aux-Saules | 1140, rue des Saules | Ahuntsic-Cartierville | 45.5553 | -73.6680
  CLSC du Parc-aux-Grives | 7120, av. des Grives | Villeray–Saint-Michel | 45.5462 | -73.6210
  Hôpital du Vieux-Moulin | 10905, boul. du Vieux-Moulin | Montréal-Nord | 45.5957 | -73.6330
est, Montréal
  CLSC de l’Horizon | 2675, rue de l’Horizon | Mercier–Hochelaga-Maisonneuve | 45.5510 | -73.5420
  Hôpital des Trois-Ormes | 5305, boul. des Trois-Ormes | Rosemont–La Petite-Patrie | 45.5750 | -73.5610
  CLSC de la Pointe-aux-Hérons | 13850, rue des Hérons Est | Pointe-aux-Trembles | 45.6590 | -73.4960
chum, Montréal
  Pavillon des Cimes | 1010, rue des Cimes | Ville-Marie | 45.5118 | -73.5560
  Pavillon de l’Estuaire, soins ambulatoires | 860, rue de l’Estuaire | Ville-Marie | 45.5129 | -73.5582
sainte-justine, Montréal
  Pavillon des Mésanges, pédiatrie | 3190, ch. des Mésanges | Côte-des-Neiges | 45.5033 | -73.6240
  Centre de réadaptation du Colibri | 5220, rue du Colibri Est | Saint-Léonard | 45.5790 | -73.5900
québec, Québec
  CLSC de la Basse-Rive | 50, rue de la Basse-Rive | Saint-Roch | 46.8150 | -71.2230
  CLSC des Coteaux | 2490, av. des Coteaux | Sainte-Foy | 46.7800 | -71.2900
  Clinique santé du Nouveau-Départ | 301, rue du Nouveau-Départ | Limoilou | 46.8310 | -71.2270
  Hôpital du Cap-Bleu | 1455, boul. du Cap-Bleu | Beauport | 46.8660 | -71.1940
estrie, Sherbrooke
  CLSC de la Gorge | 95, rue de la Gorge | Centre-ville de Sherbrooke | 45.4030 | -71.8930
  Hôpital du Mont-Fleuri | 3005, 18e Avenue Nord | Fleurimont | 45.4470 | -71.8680
estrie, Magog
  CLSC du Lac-Miroir | 50, rue du Miroir | Magog | 45.2660 | -72.1470
estrie, Granby
  Centre de santé des Grandes-Pinières | 230, rue des Pinières | Granby | 45.4010 | -72.7330
outaouais, Gatineau
  CLSC des Portageurs | 85, rue des Portageurs | Hull | 45.4290 | -75.7130
  Hôpital de la Gatineau-Vive | 909, boul. de la Vive | Gatineau | 45.4810 | -75.6980
  CLSC de la Petite-Lièvre | 578, rue de la Lièvre | Buckingham | 45.5870 | -75.4170
laval, Laval
  CLSC du Ruisseau-Rose | 1665, rue du Ruisseau | Chomedey | 45.5450 | -73.7450
  CLSC des Marguerites | 2805, boul. des Marguerites | Laval-des-Rapides | 45.5560 | -73.7000
  Hôpital de la Cité-du-Savoir | 1755, boul. du Savoir | Vimont | 45.6020 | -73.7140
montérégie, Longueuil
  CLSC du Vieux-Quai | 90, rue du Vieux-Quai | Vieux-Longueuil | 45.5390 | -73.5070
montérégie, Brossard
  CLSC des Peupliers | 5811, boul. des Peupliers | Brossard | 45.4560 | -73.4650
montérégie, Saint-Jean-sur-Richelieu
  Hôpital du Vieux-Canal | 920, boul. du Vieux-Canal | Saint-Jean-sur-Richelieu | 45.3220 | -73.2690
montérégie, Longueuil
  Clinique des réfugiés du Pont | 1215, ch. du Pont | Saint-Hubert | 45.4990 | -73.4160
montérégie, Chambly
  CLSC de la Vallée-Haute | 420, boul. de la Vallée | Chambly | 45.4490 | -73.2880
montérégie, Longueuil
  Centre de réadaptation des Berges | 1450, rue des Berges | Vieux-Longueuil | 45.5290 | -73.4890
"""


def institutions() -> dict[str, Institution]:
    """The 12 institutions of the demo, by the short name this package gives them."""
    found = {institution.name: institution for institution in Institution.objects.select_related("region")}
    return {key: found[name] for key, name in INSTITUTIONS.items()}


def create(homes: dict[str, Institution]) -> list[Facility]:
    """Write the installations of `homes`."""
    facilities = []
    for line in FACILITIES.strip().splitlines():
        if not line.startswith(" "):
            key, town = line.split(", ")
            continue
        name, street, area, latitude, longitude = line.strip().split(" | ")
        facilities.append(
            Facility(
                institution=homes[key],
                region_id=homes[key].region_id,
                name=name,
                address=f"{street}, {town}",
                area=area,
                latitude=Decimal(latitude),
                longitude=Decimal(longitude),
            )
        )
    return Facility.objects.bulk_create(facilities)
