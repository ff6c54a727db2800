"""How far two points are as the crow flies. Pure: standard library only, for the demo's routing service too."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088


def straight_km(start: tuple, end: tuple) -> float:
    """Kilometres of the great circle between two points (latitude, longitude, in degrees)."""
    (north, east), (to_north, to_east) = ([radians(degrees) for degrees in point] for point in (start, end))
    # The haversine formula, exact enough for two points of one city; the earth is a sphere to 0.5 %.
    half = sin((to_north - north) / 2) ** 2 + cos(north) * cos(to_north) * sin((to_east - east) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))
