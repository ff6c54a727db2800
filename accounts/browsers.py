"""A browser in two words, for people who look at the list of their sessions; never used to decide anything."""

# In this order: Edge says it is Chrome, and Chrome that it is Safari.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"))
_BROWSERS += (("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"))
_SYSTEMS += (("Mac OS", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux"))


def describe(request) -> str:
    """« Firefox, Windows »; « Navigateur inconnu » when it says nothing we know."""
    agent = request.headers.get("User-Agent", "")
    known = [next((name for mark, name in names if mark in agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, known)) or "Navigateur inconnu"
