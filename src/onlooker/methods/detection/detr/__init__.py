"""Any detector of the DETR family in transformers format, from a local folder or the Hugging Face hub."""

from onlooker.methods.detection.detr.loading import Config, load_detr

__all__ = ["Config", "load_detr"]
