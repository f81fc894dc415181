"""Writes pictures.safetensors: encoded pictures of many kinds, what Pillow decodes of them, and how it resizes.

file/<name> holds the bytes of a file, rgb/<name> the pixels of Pillow's convert("RGB") of small ones, eval/<name>.<size>
those of timm's evaluation (shorter side to floor(size / 0.875), bicubic, centre crop), and resize/<filter>.<w>x<h>
photo.png resized."""

import io
import math
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from oracle import write_safetensors

HERE = Path(__file__).parent
SMALL = 1000  # pixels of pictures whose every pixel is kept
RESIZED = ((75, 100), (33, 24), (200, 150), (7, 161))
EVALUATED = ((75, "photo.jpg"), (75, "photo.png"), (75, "small.png"), (75, "odd.jpg"), (21, "narrow.png"))


def drawing(width: int, height: int) -> np.ndarray:
    """Ramps, fine checks and rings."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    rings = 127.5 + 127.5 * np.sin(np.hypot(x - width / 3, y - height / 2) / 4)
    checks = 40 + 160 * (((x // 4) + (y // 4)) % 2)
    return np.stack([x * 255 / max(width - 1, 1), rings, checks], -1).round().astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def without(jpeg: bytes, marker: bytes) -> bytes:
    """A JPEG without one segment."""
    at = jpeg.index(marker)
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


def files() -> dict[str, bytes]:
    image = Image.fromarray(drawing(31, 24))
    left = image.split()[0]
    inks = Image.fromarray(np.dstack([drawing(31, 24), drawing(31, 24)[::-1, :, 0] // 2]), "CMYK")
    press = encoded(inks, "JPEG", quality=95)
    turned = image.getexif()
    turned[0x0112] = 6
    made = {
        "photo.jpg": encoded(Image.fromarray(drawing(161, 215)), "JPEG", quality=90),
        "photo.png": encoded(Image.fromarray(drawing(161, 215)), "PNG"),
        "odd.jpg": encoded(Image.fromarray(drawing(375, 333)), "JPEG", quality=60),
        "small.png": encoded(Image.fromarray(drawing(28, 28)), "PNG"),
        "narrow.png": encoded(Image.fromarray(drawing(1, 50)), "PNG"),
        "progressive.jpg": encoded(image, "JPEG", progressive=True),
        "grey.jpg": encoded(image.convert("L"), "JPEG"),
        "cmyk_adobe.jpg": press,
        "cmyk.jpg": without(press, b"\xff\xee"),
        "cmyk.tif": encoded(inks, "TIFF"),
        "palette.png": encoded(image.convert("P"), "PNG"),
        "bits.png": encoded(image.convert("1"), "PNG"),
        "first.gif": encoded(image, "GIF", save_all=True, append_images=[Image.new("RGB", image.size)]),
        "lossless.webp": encoded(image, "WEBP", lossless=True),
        "plain.tif": encoded(image, "TIFF"),
        "turned.jpg": encoded(image, "JPEG", exif=turned),
        "png_named.jpg": encoded(image, "PNG"),
    }
    # what is not as Pillow has it, or refused: without pixels of its own
    grey16 = (np.arange(31 * 24).reshape(24, 31) * 88).astype(np.uint16)
    return made | {
        "only.grey16.png": encoded(Image.fromarray(grey16), "PNG"),
        "only.alpha.png": encoded(Image.merge("RGBA", (*image.split(), left)), "PNG"),
        "only.float.tif": encoded(Image.fromarray(grey16.astype(np.float32)), "TIFF"),
        "only.bmp": encoded(image, "BMP"),
    }


def evaluated(image: Image.Image, size: int) -> Image.Image:
    short, least = math.floor(size / 0.875), min(image.size)
    image = image.resize(tuple(int(short * side / least) for side in image.size), Image.BICUBIC)
    left, top = (int(round((side - size) / 2)) for side in image.size)
    return image.crop((left, top, left + size, top + size))


def main() -> None:
    tensors: dict[str, np.ndarray] = {}
    pictures: dict[str, Image.Image] = {}
    for name, data in files().items():
        tensors[f"file/{name}"] = np.frombuffer(data, np.uint8)
        if not name.startswith("only."):
            pictures[name] = Image.open(io.BytesIO(data)).convert("RGB")
            if math.prod(pictures[name].size) <= SMALL:
                tensors[f"rgb/{name}"] = np.asarray(pictures[name])
    for size in RESIZED:
        for name, method in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
            tensors[f"resize/{name}.{size[0]}x{size[1]}"] = np.asarray(pictures["photo.png"].resize(size, method))
    for size, name in EVALUATED:
        tensors[f"eval/{name}.{size}"] = np.asarray(evaluated(pictures[name], size))
    write_safetensors(HERE / "pictures.safetensors", tensors, {"pillow": PIL.__version__})


if __name__ == "__main__":
    main()
