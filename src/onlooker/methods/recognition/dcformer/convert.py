"""From an image transformer on RGB patches to one on DCT coefficients: its patch embedding in the other basis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

import torch
from jaxtyping import Float
from torch import Tensor

from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.recognition.dcformer.config import VARIANTS, Config
from onlooker.methods.recognition.dcformer.dct import block_dct, choose, colour_matrix
from onlooker.methods.recognition.dcformer.model import DcFormer
from onlooker.nn.positions import resize_space_table
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

VIT = KeyMap(
    (
        ("cls_token", "class_token"),
        ("pos_embed", "space_table"),
        ("patch_embed.proj.{kind}", "patches.{kind}"),
        ("blocks.{i}.norm1.{kind}", "blocks.{i}.norm.{kind}"),
        ("blocks.{i}.attn.{layer}.{kind}", "blocks.{i}.attention.{layer}.{kind}"),
        ("blocks.{i}.norm2.{kind}", "blocks.{i}.mlp_norm.{kind}"),
        ("blocks.{i}.mlp.{layer}.{kind}", "blocks.{i}.mlp.{layer}.{kind}"),
        ("norm.{kind}", "norm.{kind}"),
        ("head.{kind}", "head.{kind}"),
    ),
    prefixes=("module.", "model."),
)
"""Names of timm's ViT and DeiT, which the paper's family starts from."""

LAYOUTS = ("vit",)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An image transformer on RGB patches (timm's names; ImageNet mean and deviation) as a DCFormer.

    Exact where all coefficients are kept and chroma is not halved; else what the dropped coefficients carried is lost.
    The head is drawn anew when `settings["classes"]` is another count. `variant` says which coefficients are kept.
    Raises IncompatibleCheckpoint when names or shapes do not fit it.
    """
    target = replace(VARIANTS[variant or "half"], **settings)
    return Converted(from_vit(state, target), asdict(target), "vit")


def from_vit(
    image: Mapping[str, Tensor],
    config: Config,
    *,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """The state of a DCFormer that starts from an image transformer trained on `(rgb / 255 - mean) / std`.

    Raises IncompatibleCheckpoint for another patch size or names that do not fit.
    """
    ours = rename(image, VIT)
    start = DcFormer(config, generator=generator).state_dict()
    weight, bias = ours.pop("patches.weight", None), ours.pop("patches.bias", None)
    if weight is None or bias is None or weight.shape[1:] != (3, config.patch, config.patch):
        found = None if weight is None else tuple(weight.shape)
        raise IncompatibleCheckpoint(
            f"the patch embedding is {found}, not one of 3 colours and {config.patch} pixels.",
            mismatched=["patch_embed.proj.weight"],
        )
    if "space_table" in ours:
        ours["space_table"] = resize_space_table(ours["space_table"], (config.grid, config.grid), mode="bicubic")
    if "head.weight" not in ours or ours["head.weight"].shape[0] != config.classes:
        ours = {key: value for key, value in ours.items() if not key.startswith("head.")}
        ours |= {key: value for key, value in start.items() if key.startswith("head.")}
    embedded = embed_weights(weight, bias, config, mean, std, start["tokens.mean"], start["tokens.std"])
    ours |= {key: value for key, value in start.items() if key.startswith("tokens.") and "projection" not in key}
    ours |= {"tokens.projection.weight": embedded[0], "tokens.projection.bias": embedded[1]}
    if set(ours) != set(start):
        missing, unexpected = sorted(set(start) - set(ours)), sorted(set(ours) - set(start))
        raise IncompatibleCheckpoint(
            f"not an image transformer of this size: missing {missing or 'none'}, unexpected {unexpected or 'none'}.",
            missing=missing,
            unexpected=unexpected,
        )
    return ours


def embed_weights(
    weight: Float[Tensor, "dim 3 patch patch"],
    bias: Float[Tensor, " dim"],
    config: Config,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    centre: Float[Tensor, " values"],
    spread: Float[Tensor, " values"],
) -> tuple[Float[Tensor, "dim values"], Float[Tensor, " dim"]]:
    """The linear layer on standardised coefficients that equals a convolution on normalised RGB patches.

    Pixels are a linear function of coefficients: rgb = colour^-1 (ycbcr) + 128, ycbcr = M^T coefficients M. Because M
    is orthonormal, the weights go through the same DCT as the picture.
    """
    shift, scale = torch.tensor(mean).view(3, 1, 1), torch.tensor(std).view(3, 1, 1)
    per_value = weight / (255 * scale)
    # grey 128 is zero in the coefficients
    bias = bias + (weight * (128 / 255 - shift) / scale).sum((1, 2, 3))
    planes = torch.einsum("dchw,ck->dkhw", per_value, torch.linalg.inv(colour_matrix()))
    luma = _by_block(planes[:, :1], config, config.group, config.luma)
    colours = planes[:, 1:]
    if config.half_chroma:
        # a halved pixel stands for four
        height, width = colours.shape[-2:]
        colours = colours.reshape(*colours.shape[:2], height // 2, 2, width // 2, 2).sum(dim=(-3, -1))
    chroma = _by_block(colours, config, config.chroma_group, config.chroma)
    linear = torch.cat((luma, chroma), dim=1)
    return linear * spread, bias + linear @ centre


def _by_block(planes: Tensor, config: Config, group: int, count: int) -> Tensor:
    """Rows of weights in the order of a token's values: colour, block row, block column, coefficient."""
    blocks = block_dct(planes, config.block)[:, :, :group, :group].flatten(-2)
    return blocks[..., choose(config.block, config.keep, count)].flatten(1)
