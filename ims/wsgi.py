import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ims.settings")
application = get_wsgi_application()

from completion.decoder import DECODER  # noqa: E402 (settings first)

DECODER.warm()
