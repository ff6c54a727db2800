#!/usr/bin/env python
"""Django's own command line; `python3 run.py manage …` calls it with the database started."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ims.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
