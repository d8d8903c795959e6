"""People from OpenCV's HOG detector, its bundled cascades and background motion. Embedded, low accuracy."""

from onlooker.methods.detection.embedded_people.model import VARIANTS, Config, EmbeddedPeople

__all__ = ["VARIANTS", "Config", "EmbeddedPeople"]
