"""Image data and backdoor attacks, for measuring defences against them."""

from ._dirty_label import make_dirty_label_backdoor
from ._loaders import load_image_data
from ._triggers import TRIGGER_SHAPES, Trigger, make_trigger

__all__ = [
    "TRIGGER_SHAPES",
    "Trigger",
    "load_image_data",
    "make_dirty_label_backdoor",
    "make_trigger",
]
