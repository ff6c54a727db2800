from django.conf import settings

from ims.navigation import entries

BI_PHONE = "514-597-3284"
BI_EMAIL = "biq@ssss.gouv.qc.ca"


def site(request):
    """What every page shows: the menu of the person's role, and the BI's telephone and e-mail."""
    return {
        "nav": entries(request),
        "bi_phone": BI_PHONE,
        "bi_email": BI_EMAIL,
        "instance_id": settings.INSTANCE_ID,
        "is_demo": settings.DEMO,
    }
