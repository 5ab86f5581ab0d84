"""Lensfun's cameras and lenses: maker, model, mount and crop factor, with focal length and aperture read from the name."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import drawing
from common import Product, attributes, line, slug
from pictures import Pictures

SOURCE = "Lensfun database (CC BY-SA 3.0)"
AUTHOR = "Lensfun contributors"
BRANDS = (
    ("nikon", "Nikon"), ("olympus", "Olympus"), ("pentax", "Pentax"), ("ricoh", "Ricoh"), ("casio", "Casio"), ("leica", "Leica"),
    ("konica", "Konica Minolta"), ("minolta", "Minolta"), ("samsung", "Samsung"), ("kodak", "Kodak"), ("eastman", "Kodak"), ("asahi", "Pentax"),
    ("seiko epson", "Epson"), ("voigt", "Voigtländer"), ("lg", "LG"), ("aee", "AEE"), ("carl zeiss", "Zeiss"),
)
PHONES = {"Apple", "Huawei", "Honor", "LG", "Nokia", "Microsoft"}
SENSORS = ((0.9, "medium format"), (1.15, "full frame"), (1.4, "APS-H"), (1.75, "APS-C"), (2.1, "Four Thirds"), (3.0, "1 inch"))
MANUAL = re.compile(r"M42|M39|DKL|Canon F[DL]|Pentax KA?$|AI|Nikon F$|Minolta M|Olympus OM|Contax|T2|Adaptall|Kiev|Rollei")
# Kind of camera: category, euros from and to, grams
CAMERAS = {
    "compact": ("photo/compact-cameras", 79, 520, 240),
    "mirrorless": ("photo/mirrorless-cameras", 350, 2300, 480),
    "slr": ("photo/slr-cameras", 280, 2200, 780),
    "film": ("photo/film-cameras", 60, 420, 850),
    "medium-format": ("photo/medium-format-cameras", 1900, 9000, 1300),
    "action": ("photo/action-cameras", 110, 420, 130),
    "drone": ("photo/action-cameras", 420, 1400, 900),
    "smartphone": ("photo/smartphones", 150, 850, 175),
}


def read(root: Path, pictures: Pictures) -> list[Product]:
    cameras: dict[str, Product] = {}
    lenses: dict[str, Product] = {}
    for file in sorted((root / "usr/share/lensfun/version_1").glob("*.xml")):
        if file.stem == "generic":
            continue
        database = ElementTree.parse(file).getroot()
        for element in database.findall("camera"):
            if made := camera(file.stem, element, pictures):
                cameras.setdefault(made.key.lower(), made)
        for element in database.findall("lens"):
            for made in lens(element, pictures):
                lenses.setdefault(made.title.lower(), made)
    return [*cameras.values(), *lenses.values()]


def brand_of(maker: str) -> str:
    return next((brand for word, brand in BRANDS if maker.lower().startswith(word)), line(maker))


def model_of(element: ElementTree.Element) -> tuple[str, str]:
    """The name for people and the one that the maker writes into pictures."""
    names = {model.get("lang"): line(model.text) for model in element.findall("model")}
    return names.get("en") or names[None], names[None]


def named(brand: str, model: str) -> str:
    makers = (brand, brand.removesuffix(" Minolta"), "Carl Zeiss", "Zeiss", "Leica", "Lumix", "Minolta", "Pentax", "Olympus")
    model = model.replace(brand.upper(), brand)
    if brand.lower() in model.lower() or (brand not in ("Panasonic",) and any(m.lower() in model.lower() for m in makers)):
        return model[0].upper() + model[1:] if model.startswith(brand.lower()) else model
    return f"{brand} {model}"


def sensor(crop: float) -> str:
    return next((name for limit, name in SENSORS if crop < limit), "small sensor")


# --- cameras ---------------------------------------------------------------------------------------------------------


def camera(file: str, element: ElementTree.Element, pictures: Pictures) -> Product | None:
    brand = brand_of(element.findtext("maker", ""))
    model, written = (re.sub(r"\s*\((\d+:\d+|[^)]*(crop|mode|tele)[^)]*)\)|\s*& compatibles", "", name) for name in model_of(element))
    mount, crop = element.findtext("mount", ""), float(element.findtext("cropfactor", "1"))
    interchangeable = not mount[:1].islower()
    if brand == "Generic" or re.search(r"crop|film:", model, re.I):
        return None
    kind = kind_of(file, brand, model, crop, interchangeable)
    category, low, high, grams = CAMERAS[kind]
    if kind in ("slr", "mirrorless") and crop < 1.15:
        low, high, grams = 900, 3600, grams + 120
    brand = "Pentax" if written.upper().startswith("PENTAX") else brand
    title = named(brand, model)
    code = written if written.lower() not in title.lower() and title.lower() not in written.lower() else None
    sells = {"slr": "digital SLR camera", "film": "film SLR camera", "mirrorless": "mirrorless camera", "compact": "compact camera",
             "medium-format": "medium-format camera", "action": "action camera", "drone": "camera drone", "smartphone": "smartphone"}[kind]
    body = interchangeable and kind != "action"
    image = pictures.drawing(f"camera-{kind}-{slug(brand)}", drawing.camera(kind, brand))
    return Product(
        key=f"CAM-{slug(title)}",
        title=f"{title} {sells}{', body' if body else ''}",
        description=" ".join(filter(None, (
            f"{title}, a {sells} by {brand}.",
            f"Takes lenses with {mount} mount." if body else "",
            f"Crop factor {crop:.2f} ({sensor(crop)}).",
            f"Also known as {code.replace(',', ', ')}." if code else "",
        ))),
        category=category, brand=brand, image=image, source=SOURCE, author=AUTHOR,
        price_low=low, price_high=high, weight_grams=int(grams * (0.85 + hash_share(title) * 0.3)),
        attributes=attributes(
            kind=sells, mount=mount if body else None, sensor=sensor(crop), crop_factor=f"{crop:.2f}", model_code=code,
        ),
    )


def hash_share(text: str) -> float:
    return drawing.hue(text) / 360


def kind_of(file: str, brand: str, model: str, crop: float, interchangeable: bool) -> str:
    if file == "slr-ussr":
        return "film"
    if "Phantom" in model or "Mavic" in model or "FC" == model[:2]:
        return "drone"
    if file == "actioncams":
        return "action"
    if not interchangeable and (brand in PHONES or re.search(r"Galaxy|Xperia|^SM-", model)):
        return "smartphone"
    if crop < 0.9:
        return "medium-format"
    if not interchangeable or file.startswith("compact"):
        return "compact"
    return "mirrorless" if file.startswith(("mil", "rf")) or brand in ("Epson", "Samsung") and "NX" in model else "slr"


# --- lenses ----------------------------------------------------------------------------------------------------------


@dataclass
class Optics:
    short: float
    long: float
    aperture: float
    aperture_long: float
    engraved: str

    @property
    def zoom(self) -> bool:
        return self.long > self.short

    @property
    def pupil(self) -> float:
        """Millimetres of the entrance pupil at the long end: what the glass, and so its price and weight, grows with."""
        return self.long / self.aperture_long


def optics(element: ElementTree.Element, model: str) -> Optics | None:
    """Focal lengths and aperture, as stated or as written in the name: `16-35mm f/2.8`, `1:2/50`, `58mm 1:2`, `42.5/F1.2`."""
    number = r"(\d+(?:\.\d+)?)"
    focal = re.search(rf"{number}\s*-\s*{number}\s*mm", model) or re.search(rf"{number}\s*mm", model)
    speed = re.search(rf"(?:f/\s*|/F|[fF]/?|1:\s*){number}(?:-{number})?", model)
    if not focal and (leica := re.search(rf"1:{number}(?:-{number})?/{number}(?:-{number})?", model)):
        lengths, speed = [x for x in leica.groups()[2:] if x], leica
    elif not focal and (plain := re.search(rf"M\.{number}-{number}\s*mm|{number}-{number}\s+[fF]|f={number}|{number}/F", model)):
        lengths = [x for x in plain.groups() if x]
    else:
        lengths = [x for x in focal.groups() if x] if focal else []
    if (stated := element.find("focal")) is not None:
        lengths = lengths or [stated.get("value") or stated.get("min"), stated.get("max") or stated.get("value")]
    if not lengths or None in lengths or not speed:
        return None
    short, long, aperture = float(lengths[0]), float(lengths[-1]), float(speed[1])
    if not (3 <= short <= long <= 2000 and 0.7 <= aperture <= 22):
        return None
    slow = float(speed[2]) if speed.lastindex and speed.lastindex >= 2 and speed[2] else aperture
    span = "–".join(f"{x:g}" for x in dict.fromkeys((short, long)))
    speeds = "–".join(dict.fromkeys(x for x in speed.groups()[:2] if x))
    return Optics(short, long, aperture, max(aperture, slow), f"{span} mm f/{speeds}")


def lens(element: ElementTree.Element, pictures: Pictures) -> list[Product]:
    """A product for each mount that the lens is made for."""
    mounts = [line(m.text) for m in element.findall("mount")]
    mounts = [m for m in dict.fromkeys(mounts) if m and not m[0].islower() and m not in ("Generic", "LeicaQ2")]
    model, written = model_of(element)
    unfit = r"compatibles|fixed lens|converter|\+ |, with | at \d|crop|\bDNG\b"
    if not mounts or re.search(unfit, f"{model} {written}", re.I):
        return []
    seen = optics(element, model) or optics(element, written)
    if seen is None:
        return []
    brand = brand_of(element.findtext("maker", ""))
    title = named(brand, re.sub(r"(\dmm) F(\d)", r"\1 f/\2", model))
    crop = float(element.findtext("cropfactor", "1"))
    image = pictures.drawing(
        f"lens-{slug(brand)}-{slug(seen.engraved)}", drawing.lens(seen.long, seen.aperture_long, brand, seen.engraved, seen.zoom))
    group = f"lens-{slug(title)}" if len(mounts) > 1 else None
    manual = all(MANUAL.search(mount) for mount in mounts)
    return [one_mount(title, brand, seen, crop, element.findtext("type"), mount, manual, group, image) for mount in mounts]


def one_mount(title: str, brand: str, seen: Optics, crop: float, projection: str | None, mount: str, manual: bool, group: str | None,
              image: str) -> Product:
    category = lens_category(title, seen, crop, projection)
    low, high = lens_prices(seen, crop, manual)
    kind = {"zoom": "zoom lens", "fisheye": "fisheye lens", "macro": "macro lens"}.get(category.split("/")[-1].split("-")[0], "prime lens")
    covers = sensor(crop) if crop > 1.15 or crop < 0.9 else "full frame"
    fits = f" for {mount}" if group else ""
    return Product(
        key=f"LENS-{slug(title)}{'-' + slug(mount) if group else ''}",
        title=f"{title}{fits}",
        description=f"{title}, a {kind} by {brand}: {seen.engraved}. {mount} mount. Measured on {'an' if covers[0] in 'A' else 'a'} {covers} camera (crop factor {crop:.2f}).",
        category=category, brand=brand, image=image, source=SOURCE, author=AUTHOR, price_low=low, price_high=high,
        weight_grams=int(80 + 0.33 * min(seen.pupil, 130) ** 1.9 + seen.long * 0.7 + (90 if seen.zoom else 0)),
        attributes=attributes(
            kind=kind, mount=mount, focal_length_mm="–".join(f"{x:g}" for x in dict.fromkeys((seen.short, seen.long))),
            max_aperture=f"f/{seen.aperture:g}", macro="yes" if "macro" in title.lower() or "micro " in title.lower() else None,
            stabilised="yes" if re.search(r"\b(IS|VR|OS|VC|OIS|OSS|SR)\b", title) else None,
            focus="manual" if manual else "automatic", crop_factor=f"{crop:.2f}",
        ),
        group=group, options={"mount": mount} if group else {},
    )


def lens_category(title: str, seen: Optics, crop: float, projection: str | None) -> str:
    if "fish" in title.lower() or projection in ("fisheye", "stereographic", "equisolid", "orthographic"):
        return "photo/lenses/fisheye"
    if seen.zoom:
        return "photo/lenses/zoom-wide" if seen.long * crop < 45 else "photo/lenses/zoom-tele" if seen.short * crop >= 50 else "photo/lenses/zoom-standard"
    if re.search(r"macro|micro[- ]", title, re.I) and not re.search(r"micro 4/3", title, re.I):
        return "photo/lenses/macro"
    length = seen.long * crop
    return "photo/lenses/wide-angle" if length < 35 else "photo/lenses/standard" if length <= 70 else "photo/lenses/telephoto"


def lens_prices(seen: Optics, crop: float, manual: bool) -> tuple[float, float]:
    """Glass costs: the wider the entrance pupil, the dearer. Zooms that stay bright and very wide angles cost extra."""
    middle = 70 + 0.85 * min(seen.pupil, 140) ** 1.72
    if seen.short * crop < 28:
        middle += 170 * 24 / max(8, seen.short * crop)
    if seen.zoom:
        middle *= 1.7 if seen.aperture <= 2.9 else 1.15
    if manual:
        middle *= 0.42
    middle = max(45, min(7500, middle))
    return middle * 0.68, middle * 1.47
