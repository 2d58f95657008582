"""Data and backdoor attacks, for measuring defences against them."""

from ._adaptive import make_adaptive_backdoor
from ._additive import (
    AdditiveTrigger,
    make_dct_trigger,
    make_sinusoid_trigger,
    make_smooth_trigger,
)
from ._all_to_all import make_all_to_all_backdoor
from ._blends import BlendedTrigger, make_blended_trigger, make_picture_trigger
from ._clean_label import make_clean_label_backdoor
from ._dirty_label import make_dirty_label_backdoor
from ._features import FeatureTrigger, make_feature_trigger
from ._filters import ImageSpecificTrigger, make_image_specific_trigger
from ._loaders import load_image_data
from ._moving import MovingPatchTrigger, make_moving_patch_trigger
from ._narcissus import NarcissusTrigger, make_narcissus_trigger
from ._patches import AlternatingPatchTrigger, make_alternating_patch_trigger
from ._photo import PhotoTrigger, make_photo_trigger
from ._pieces import PiecewiseTrigger, make_piecewise_trigger
from ._pixel_sets import PixelSetTrigger, make_pixel_set_trigger
from ._quantisation import QuantisationTrigger, make_quantisation_trigger
from ._triggers import TRIGGER_SHAPES, Trigger, make_trigger
from ._warping import WarpingTrigger, make_warping_trigger

__all__ = [
    "TRIGGER_SHAPES",
    "AdditiveTrigger",
    "AlternatingPatchTrigger",
    "BlendedTrigger",
    "FeatureTrigger",
    "ImageSpecificTrigger",
    "MovingPatchTrigger",
    "NarcissusTrigger",
    "PhotoTrigger",
    "PiecewiseTrigger",
    "PixelSetTrigger",
    "QuantisationTrigger",
    "Trigger",
    "WarpingTrigger",
    "load_image_data",
    "make_adaptive_backdoor",
    "make_all_to_all_backdoor",
    "make_alternating_patch_trigger",
    "make_blended_trigger",
    "make_clean_label_backdoor",
    "make_dct_trigger",
    "make_dirty_label_backdoor",
    "make_feature_trigger",
    "make_image_specific_trigger",
    "make_moving_patch_trigger",
    "make_narcissus_trigger",
    "make_photo_trigger",
    "make_picture_trigger",
    "make_piecewise_trigger",
    "make_pixel_set_trigger",
    "make_quantisation_trigger",
    "make_sinusoid_trigger",
    "make_smooth_trigger",
    "make_trigger",
    "make_warping_trigger",
]
