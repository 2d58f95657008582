"""Image data and backdoor attacks, for measuring defences against them."""

from ._adaptive import make_adaptive_backdoor
from ._clean_label import make_clean_label_backdoor
from ._dirty_label import make_dirty_label_backdoor
from ._loaders import load_image_data
from ._triggers import (
    TRIGGER_SHAPES,
    BlendedTrigger,
    Trigger,
    make_blended_trigger,
    make_trigger,
)

__all__ = [
    "TRIGGER_SHAPES",
    "BlendedTrigger",
    "Trigger",
    "load_image_data",
    "make_adaptive_backdoor",
    "make_blended_trigger",
    "make_clean_label_backdoor",
    "make_dirty_label_backdoor",
    "make_trigger",
]
