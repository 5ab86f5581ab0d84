"""Sweet Home 3D's furniture: name, category, tags, size, author and a rendered picture of each piece."""

import re
import zipfile
from pathlib import Path

from common import Product, attributes, line, slug
from furniture_kinds import BETTER_NAMES, FALLBACK, KINDS, LEFT_OUT, REST, VARIANTS
from pictures import Pictures

CATALOGUES = {  # file → prefix of SKUs, source with licence
    "Scopia": ("SCO", "Sweet Home 3D furniture, Scopia (CC BY 3.0)"),
    "KatorLegaz": ("KAT", "Sweet Home 3D furniture, Kator Legaz (CC BY 3.0 US)"),
    "BlendSwap-CC-BY": ("BSB", "Sweet Home 3D furniture, Blend Swap (CC BY 3.0)"),
    "BlendSwap-CC-0": ("BSO", "Sweet Home 3D furniture, Blend Swap (CC0 1.0)"),
}
NO_TAGS = {"Blend Swap", "SCPTS", "Adjustable", "Nitendo", "Sony", "Velux", "Xbox"}
MATERIALS = ("oak", "pear", "teak", "alder", "bamboo", "rattan", "leather", "glass", "iron", "metal", "plastic", "concrete", "stone",
             "burlap", "wood", "steel", "cardboard", "textured")
WOODS = {"oak": "oak", "pear": "pear wood", "teak": "teak", "alder": "alder", "wooden": "wood"}
BRANDS = {"Apple": r"\bapple\b", "Sony": r"playstation|ps4", "Thonet": r"thonet"}


def read(root: Path, pictures: Pictures) -> list[Product]:
    products = []
    for file, (prefix, source) in CATALOGUES.items():
        with zipfile.ZipFile(root / f"usr/share/sweethome3d/furniture/{file}.sh3f") as archive:
            for piece in pieces(archive.read("PluginFurnitureCatalog.properties").decode("latin-1")):
                name = BETTER_NAMES.get(piece["name"], piece["name"])
                if piece["category"] == "Characters" or re.search(LEFT_OUT, name.lower()):
                    continue
                icon = archive.read(piece["icon"].lstrip("/"))
                products.append(product(file, prefix, source, piece, name, icon, pictures))
    return products


def pieces(properties: str) -> list[dict[str, str]]:
    """The numbered entries of a Java properties file."""
    found: dict[int, dict[str, str]] = {}
    for row in properties.splitlines():
        if match := re.match(r"(\w+)#(\d+)=(.*)", row):
            value = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), match[3])
            found.setdefault(int(match[2]), {})[match[1]] = value.replace("\\", "").strip()
    return [found[number] for number in sorted(found)]


def product(file: str, prefix: str, source: str, piece: dict, name: str, icon: bytes, pictures: Pictures) -> Product:
    model = piece["id"].split("#")[1]
    key = f"{prefix}-{slug(re.sub(r'(?<=[a-z])(?=[A-Z])', '-', model))}"
    name = "Garden umbrella" if name == "Umbrella" and piece["category"] == "Exterior" else name
    name = "Dustpan" if name == "Shovel" and piece["category"] == "Kitchen" else name
    category, low, high, density = kind(name, piece["category"])
    width, depth, height = (float(piece[side]) for side in ("width", "depth", "height"))
    image = pictures.png(f"home-{slug(key)}", icon)
    colour = pictures.colour(image)
    tags = [tag for tag in (t.strip() for t in piece.get("tags", "").split(",")) if tag and tag not in NO_TAGS]
    material = made_of(f"{name} {model}".lower())
    group, options = variant(file, model)
    size = " × ".join(shown(side) for side in (width, depth, height))
    brand = next((brand for brand, words in BRANDS.items() if re.search(words, f"{name} {model}".lower())), piece["creator"])
    room = {"Miscellaneous": None, "Lights": None, "Exterior": "outdoors", "Doors and windows": None}.get(
        piece["category"], piece["category"].lower())
    return Product(
        key=key,
        title=f"{line(name)}, {size} cm",
        description=describe(line(name), colour, material, (width, depth, height), room, tags),
        category=category,
        brand=line(brand),
        image=image,
        attributes=attributes(
            color=colour, material=material, width_cm=shown(width), depth_cm=shown(depth), height_cm=shown(height), room=room,
            adjustable="yes" if "Adjustable" in piece.get("tags", "") else None, tags=", ".join(tags).lower(),
        ),
        group=f"{slug(file)}-{group}" if group else None,
        options=options,
        source=source,
        author=line(piece["creator"]),
        price_low=low,
        price_high=high,
        weight_grams=int(max(15, min(260_000, width * depth * height * density / 1000))),
    )


def kind(name: str, room: str) -> tuple[str, float, float, float]:
    for expression, *values in KINDS:
        if re.search(expression, name.lower()):
            return tuple(values)
    return FALLBACK.get(room, REST)


def made_of(words: str) -> str | None:
    found = next((word for word in MATERIALS if re.search(rf"(?<![a-z]){word}", words)), None)
    return None if found == "textured" else WOODS.get(found, found)


def variant(file: str, model: str) -> tuple[str | None, dict[str, str]]:
    for group, option, values in VARIANTS.get(file, ()):
        if model in values:
            return group, {option: values[model]}
    return None, {}


def shown(centimetres: float) -> str:
    return f"{centimetres:.1f}".removesuffix(".0") if centimetres < 10 else f"{centimetres:.0f}"


def describe(name: str, colour: str, material: str | None, size: tuple, room: str | None, tags: list[str]) -> str:
    where = f" for the {room}" if room and room != "outdoors" else " for outdoors" if room else ""
    width, depth, height = (shown(side) for side in size)
    sentences = [f"{name}{where}.", f"{width} cm wide, {depth} cm deep and {height} cm high."]
    sentences.append(f"Main colour {colour}; made of {material}." if material else f"Main colour {colour}.")
    if tags:
        sentences.append(f"Keywords: {', '.join(tags).lower()}.")
    return " ".join(sentences)
