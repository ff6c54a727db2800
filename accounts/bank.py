"""The bank of interpreters itself: its name, and how people reach it (FAQ, « Nous joindre »)."""

NAME = "Banque d’interprètes du RSSS"
PHONE = "514-597-3284"
EMAIL = "biq@ssss.gouv.qc.ca"
