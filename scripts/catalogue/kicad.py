"""KiCad's symbols: part number, description, key words, package and data sheet of real parts whose maker the data sheet names."""

import re
import urllib.parse
from collections import defaultdict
from pathlib import Path

import drawing
from common import Product, attributes, digest, line, slug
from kicad_kinds import BRANDS, FAMILIES, LIBRARIES, MODULES, SHELVES
from pictures import Pictures

SOURCE = "KiCad symbol library (CC BY-SA 4.0 with exception)"
AUTHOR = "KiCad Community"
GRAMS = {"dip": 2, "so": 1, "qfp": 1, "qfn": 1, "bga": 2, "sot": 1, "tab": 3, "to92": 1, "can": 3, "axial": 1, "chip": 1, "sip": 8, "module": 22,
         "display": 35, "bridge": 5}


def read(root: Path, pictures: Pictures) -> list[Product]:
    products = []
    for file in sorted((root / "usr/share/kicad/symbols").glob("*.kicad_sym")):
        library = next((rest for start, *rest in LIBRARIES if file.stem.startswith(start)), None)
        if library is None or library[0] is None:
            continue
        category, most, low, high = library
        parts = [part for part in symbols(file) if wanted(part)]
        for part in chosen(file.stem, parts, most):
            products.append(product(file.stem, part, category, low, high, pictures))
    return list({made.key: made for made in reversed(products)}.values())


def symbols(file: Path) -> list[dict]:
    """Name, parent, properties and number of pins of each symbol. Only the layout that KiCad itself writes is understood."""
    found: dict[str, dict] = {}
    part: dict = {}
    for row in file.read_text(encoding="utf-8").splitlines():
        if match := re.match(r'  \(symbol "([^"]+)"(?: \(extends "([^"]+)"\))?', row):
            part = found[match[1]] = {"name": match[1], "parent": match[2], "pins": set()}
        elif match := re.match(r'    \(property "([^"]+)" "((?:[^"\\]|\\.)*)"', row):
            part[match[1]] = line(match[2].replace("\\", ""), 400)
        elif match := re.match(r'\s+\(number "([^"]+)"', row):
            part["pins"].add(match[1])
    for part in found.values():
        while not part["pins"] and part["parent"] in found and found[part["parent"]] is not part:
            part["pins"] = found[part["parent"]]["pins"]
            if not found[part["parent"]]["parent"]:
                break
    return list(found.values())


def brand(part: dict) -> str | None:
    host = urllib.parse.urlparse(part.get("Datasheet", "") if "//" in part.get("Datasheet", "") else f"//{part.get('Datasheet', '')}").hostname or ""
    return BRANDS.get(".".join(host.split(".")[-2:]))


def wanted(part: dict) -> bool:
    """Parts that can be ordered: with a maker, words and a package, no placeholder in the number, not given up by the maker."""
    number, words = orderable(part["name"]), part.get("ki_description", "")
    placeholder = re.search(r"(?<![a-z])x+(?![a-z])", re.sub(r"^ATxmega|xMEGA", "", number)) or "?" in number or "*" in number
    dropped = re.search(r"discontinued|obsolete|generic|not recommended|deprecated|untested|unknown|NRND|replaced by|dummy|logo|end of life", words, re.I)
    return bool(brand(part) and len(words) > 12 and not placeholder and not dropped and package(part) and re.search(r"\d", number))


def orderable(name: str) -> str:
    """The part number without the letters that stand for a temperature range or a reel."""
    return re.sub(r"x$", "", name) if name.startswith("STM32") else name


def package(part: dict) -> str | None:
    """`SOIC-8` of `Package_SO:SOIC-8_3.9x4.9mm_P1.27mm`, or what the description ends in."""
    footprint = part.get("Footprint", "").split(":")[-1]
    if footprint:
        name = re.sub(r"^(Texas|NXP|ST|Infineon|Analog|Linear|PowerIntegrations|OnSemi|Nexperia|Vishay|Diodes|Mini-Circuits|Toshiba|Rohm|Allegro|Microchip|Maxim|AMS|Avago|Broadcom|Cree|InvenSense|Micrel|Nordic|Sensirion|SiliconLabs|ublox|AKM|Sharp|Kingbright|CUI|Bosch)_", "", footprint)
        name = re.sub(r"^(D|LED|Filter|Oscillator_SMD|Converter_DCDC|Converter_ACDC|Relay_\w+?|Diode|Sensor)_(?=[A-Z])", "", name)
        name = re.sub(r"^[SR]-P(\w+?)-[NG](\d+).*", r"\1-\2", name)
        name = re.split(r"_(?=\d|P\d|W\d|EP|Hand|Layout|Vert|Horiz|L\d|D\d|H\d|Inline|Clock|Pitch)|-\dEP", name)[0]
        return name.replace("_", " ")[:40]
    last = part.get("ki_description", "").split(",")[-1].strip().split("/")[0].strip()
    if re.fullmatch(r"\(?P?(DIP|SO|SOIC|SSOP|TSSOP|MSOP|QFN|DFN|TQFP|LQFP|QFP|PLCC|SOT|TO|SIP|BGA)[ -]?\d+[A-Z]?\)?", last):
        return re.sub(r"^([A-Z]+) ?-?(\d)", r"\1-\2", last.strip("()"))
    if part.get("ki_fp_filters", "").startswith(("DIP", "SOIC")) and len(part["pins"]) in (8, 14, 16, 18, 20, 24, 28):
        return f"{'DIP' if 'DIP' in part['ki_fp_filters'] else 'SOIC'}-{len(part['pins'])}"
    return None


def variant(library: str, part: dict) -> tuple[str, dict[str, str]] | None:
    """Group and option of parts that differ in one thing: output voltage of a regulator, flash of an STM32."""
    name = part["name"]
    if re.match(r"Regulator|Reference|Power_Supervisor", library) and (match := re.fullmatch(r"(.+?)-?(?<![\d.])(\d+\.\d+|\d\d?)(?:V0?)?(_.+)?", name)):
        if "-" in name and 0.5 <= float(match[2]) <= 36 and f"{float(match[2]):g}V" in part.get("ki_description", "").replace(" ", "").replace(".0V", "V"):
            return f"{match[1]}{match[3] or ''}|{part.get('Footprint')}", {"output_voltage": f"{float(match[2]):g} V"}
    if library.startswith("MCU_ST_STM32") and (match := re.fullmatch(r"(STM32\w{5})(\w)(\w)x", name)):
        if flash := re.search(r"(\d+)KB flash", part.get("ki_description", ""), re.I):
            return f"{match[1]}-{match[3]}", {"flash": f"{flash[1]} KB"}
    return None


def chosen(library: str, parts: list[dict], most: int) -> list[dict]:
    """At most so many parts, whole groups of variants at a time, in an order given by a hash."""
    groups = defaultdict(list)
    for part in parts:
        grouped = variant(library, part)
        key, options = grouped or (part["name"], {})
        if any(options and options == other["options"] for other in groups[key]):
            continue
        part["options"] = options
        groups[key].append(part)
    taken: list[dict] = []
    for key in sorted(groups, key=lambda key: digest("kicad", library, key)):
        members = groups[key][:8]
        if len(taken) + len(members) > most:
            continue
        for part in members:
            part["group"] = f"{slug(library)}-{slug(key.split('|')[0])}" if len(members) > 1 else None
        taken += members
    return taken


def product(library: str, part: dict, category: str, low: float, high: float, pictures: Pictures) -> Product:
    number, maker, words = orderable(part["name"]), brand(part), part["ki_description"]
    number = number.replace("_", "-")
    case, pins = package(part), len(part["pins"])
    case, family, label = seen(part, case, pins, category)
    if stated := re.search(r"-(\d+)", label):
        pins = int(stated[1]) if family in ("dip", "so", "qfp", "qfn", "bga") else pins
    count = pins if family in ("dip", "so", "qfp", "qfn", "bga", "sot", "tab", "sip") else 0
    image = pictures.drawing(f"package-{family}-{slug(label)}-{count}", drawing.package(family, count, label))
    keywords = [w for w in re.split(r"[,\s_]+", part.get("ki_keywords", "")) if len(w) > 1]
    short = re.sub(rf"(,\s*)?{re.escape(case or '-')}\s*$", "", words).strip(" ,")
    short = re.sub(rf"^{re.escape(number)},?\s*", "", short) or words
    title = f"{number} {short[:1].upper() + short[1:]}"
    while len(title) > 110 and "," in title:
        title = title.rsplit(",", 1)[0]
    title = re.sub(r"\( ", "(", title).strip()
    kind = {"74xx": "Logic", "74xGxx": "Logic", "4xxx": "Logic"}.get(library, library).replace("MCU_ST_", "").replace("_", " ").replace("MCU", "Microcontroller")
    numbers = technical(words)
    return Product(
        key=number if len(slug(number)) >= 5 else f"{slug(maker)[:12]}-{number}",
        title=title,
        description=f"{number} by {maker}. {words.rstrip('.')}. {f'Package {case}, {pins} pins.' if case else f'{pins} pins.'}" + (f" Keywords: {', '.join(keywords[:12])}." if keywords else ""),
        category=category, brand=maker, image=image, source=SOURCE, author=AUTHOR, price_low=low, price_high=high * (1 + min(pins, 200) / 400),
        weight_grams=GRAMS[family] + pins // 40,
        attributes=attributes(kind=kind, part_number=number, package=case, pins=pins, mounting=mounting(part, family), **numbers),
        group=part["group"], options=part["options"] if part["group"] else {},
    )


def seen(part: dict, case: str, pins: int, category: str) -> tuple[str | None, str, str]:
    """What the package is called, which drawing it gets and what is printed on that. Housings of one maker's module have no name."""
    family = next((drawn for expression, drawn in FAMILIES if re.search(expression, case)), None)
    if family:
        label = re.sub(r"( TabPin\d| .*)$", "", case)
        return case, family, label if len(label) <= 14 else label[:14].rsplit("-", 1)[0]
    shelf = part.get("Footprint", "").split(":")[0]
    if shelf in SHELVES:
        family, name = SHELVES[shelf]
        label = name if family in ("chip", "axial", "display") else f"{name}-{pins}"
        return label if family not in ("display",) else None, family, label
    return None, "module", MODULES.get(category.split("/")[-1], "MODULE")


def mounting(part: dict, family: str) -> str | None:
    if family in ("dip", "tab", "to92", "can", "axial", "sip", "bridge") or "THT" in part.get("Footprint", ""):
        return "through-hole"
    return "SMD" if family in ("so", "qfp", "qfn", "bga", "sot", "chip") or "SMD" in part.get("Footprint", "") else None


def technical(words: str) -> dict[str, str]:
    """What a description says in numbers."""
    found = {
        "core": re.search(r"(?:ARM )?(Cortex-[MA]\d\+?F?)", words), "flash": re.search(r"(\d+) ?[Kk]B? ?[Ff]lash", words),
        "ram": re.search(r"(\d+) ?[Kk]B? ?S?RAM", words), "clock": re.search(r"(\d+) ?MHz", words), "gpio": re.search(r"(\d+) GPIO", words),
        "current": re.search(r"(?<![\w.])(\d+(?:\.\d+)?) ?-?(m?A)\b", words), "voltage": re.search(r"(?<![\w./-])(\d+(?:\.\d+)?) ?V\b", words),
        "resolution": re.search(r"(\d+)[- ]?bit", words, re.I), "channels": re.search(r"(\d+)[- ]channel", words, re.I),
    }
    units = {"flash": " KB", "ram": " KB", "clock": " MHz", "voltage": " V", "resolution": " bit"}
    return {name: f"{m[1]} {m[2]}" if name == "current" else f"{m[1]}{units.get(name, '')}" for name, m in found.items() if m}
