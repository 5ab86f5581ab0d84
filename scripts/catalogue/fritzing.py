"""Fritzing's parts: title, description, tags, properties and a colour drawing of each."""

import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

import drawing
from common import Product, attributes, line, plain, slug
from fritzing_kinds import BRANDS, KINDS, LEFT_OUT, REST
from kicad_kinds import FAMILIES
from pictures import Pictures

SOURCE = "Fritzing parts library (CC BY-SA 3.0)"
ABBREVIATIONS = (
    (r"\bCap\b(?! ?acitor)", "Capacitor"), (r"\bPIC UC\b", "PIC microcontroller"), (r"\bAVR UC\b", "AVR microcontroller"), (r"\bARM uC\b", "ARM microcontroller"),
    (r"\bTranceiver\b", "Transceiver"), (r"\bReveiver\b", "Receiver"), (r"\bCharakter\b", "Character"), (r"\bMikrocontroller\b", "Microcontroller"),
    (r"\bRJ-?[xX]{2} Jack\b", "RJ Jack"), (r"\bTransformator\b", "Transformer"), (r"\bXbee\b", "XBee"), (r"\bHarveting\b", "Harvesting"), (r"\bISCP\b", "ICSP"),
    (r"^(Solid state relay|Switch|Relay) \((\w+)\)$", r"\2 \1"), (r"^Mosfet \(([NP]) Channel\)$", r"\1-channel MOSFET"), (r"^Transistor ([NP]{3})$", r"\1 transistor"),
    (r"^LCD \(Text-only\)$", "Character LCD"), (r"^LCD \(Graphical\)$", "Graphic LCD"), (r"^Diode \(TVS\)$", "TVS diode"), (r"Accessoires", "accessories"),
    (r"(?i)^((microcontroller|cpu) ?board)\s*\(.*", r"\1"), (r"^ADI-.*", ""), (r"\(\)", ""),
)
# Properties that say something to a buyer, and what they are called in the shop
SHOWN = {
    "package": "package", "type": "type", "chip": "chip", "pins": "pins", "voltage": "voltage", "current": "current", "processor": "processor",
    "interface": "interface", "channels": "channels", "size": "size", "pin spacing": "pin_spacing", "capacitance": "capacitance",
    "resistance": "resistance", "inductance": "inductance", "frequency": "frequency", "tolerance": "tolerance", "power": "power",
    "technology": "technology", "color": "color", "sensitivity": "sensitivity", "resolution": "resolution", "polarity": "polarity",
    "gender": "gender", "axis": "axes", "matrix size": "matrix_size", "hole size": "hole_size", "maximum resistance": "max_resistance",
    "form": "form", "protocol": "protocol", "function": "function", "pitch": "pitch", "segments": "segments", "version": "version",
}
BETTER_TITLES = (
    (r"^Header (\d+)$", r"Pin header 1×\1"), (r"^Header (\d+)x2$", r"Pin header 2×\1"), (r"^Npn-Powertransistor$", "NPN power transistor"),
    (r"^Pnp-Powertransistor$", "PNP power transistor"), (r" \(Stephen Hawking in a box\)", ""), (r"^Inductors$", "Inductor"), (r"^USB Connectors$", "USB connector"),
    (r"^Battery Holders$", "Battery holder"), (r"^LEDs$", "LED"), (r"Houseing", "housing"), (r" -(?=[A-Z0-9])", " "), (r"Arduinobreakout", "Arduino breakout"), (r"^Blue smd LED", "Blue SMD LED"),
    (r"^Basic Flex Resistor$", "Flex sensor"), (r"^(POT|RELAY|TRIAC|CRYSTAL|OSCILLATOR|EDISON)$", lambda m: m[0].capitalize()), (r" - $", ""),
    (r"\s*\(?Modified\)?\s*$", ""), (r"^(.*?)\s*_?B_?\s+connector with 5th pin broken out\.?$", "Mini-USB B connector, 5 pins"),
)
DULL_PROSE = re.compile(r"(?i)spark ?fun electronics$|proven|foot ?print|silkscreen|eagle|fritzing part|^documents?:|^schematic|^datasheet|^example code"
                        r"|tutorial$|fritzing\.org|modified by|kicad|this part|\bSKU\b|footprints|^description:?$|breadboard view|pcb view|bildr|bug|forum|ignore package|double check|special for a reason|dummy|for testing|mating smd")
CHIP = re.compile(r"((?:[STM]{0,2}SOP|SO|SOIC|T?QFP|LQFP|QFN|MLF|MLP|LFCSP|LGA|DFN|TQFP|PQFP|ODFN|TDFN|PSOP)-?|DIL|DIP)(\d{1,3})[LW]?(?:-\d\w*)?")
SMALL = re.compile(r"(SOT-?\d{2,3}|SC-?70)(?:-(\d))?")
NOTHING = {"", "?", "-", "_", "none", "n/a", "various", "unknown", "editable", "true", "false", "null", "x", "not set"}


def read(root: Path, pictures: Pictures) -> list[Product]:
    parts = root / "usr/share/fritzing/parts"
    found = [made for file in sorted((parts / "core").glob("*.fzp")) if (made := product(parts, file, pictures))]
    return variants(once(found))


def product(parts: Path, file: Path, pictures: Pictures) -> Product | None:
    module = ElementTree.parse(file).getroot()
    properties = {p.get("name", "").strip().lower(): line(p.text) for p in module.iterfind("properties/property")}
    family = properties.get("family", "")
    raw_title, prose = line(module.findtext("title")), plain(module.findtext("description"))
    if re.search(LEFT_OUT, f"{raw_title} | {family} | {file.stem} | {prose[:120]}".lower()) or not raw_title or "(fix" in file.stem and "(fix)" not in file.stem:
        return None
    tags = [line(t.text) for t in module.iterfind("tags/tag") if t.text]
    sparkfun = file.stem.startswith("sparkfun") or family.lower().startswith("sparkfun")
    kind = re.sub(r"(?i)^sparkfun\s*", "", family).strip(" []")
    for short, long in ABBREVIATIONS:
        kind = re.sub(short, long, kind)
    title = titled(raw_title, kind, properties, tags, sparkfun)
    words = f"{family} | {title} | {' '.join(tags)}".lower()
    category, low, high, grams = next((tuple(rest) for expression, *rest in KINDS if re.search(expression, f"{kind} | {title}".lower())), REST)
    brand = next((b for expression, b in BRANDS if re.search(expression, f"{title} | {file.stem} | {family}".lower())), "Unbranded")
    shown = {name: tidy(properties[key]) for key, name in SHOWN.items() if properties.get(key, "").lower() not in NOTHING}
    if "package" in shown and (sparkfun or re.fullmatch(r"[a-z]+-?\d*", shown["package"])):
        shown["package"] = shown["package"].upper()
    shown = {name: value for name, value in shown.items() if value and len(value) <= 60}
    mounting = "SMD" if re.search(r"smd|smt|soic|ssop|qfn|qfp|sot-?\d|lga|\bso-?\d", words + shown.get("package", "").lower()) else \
        "through-hole" if re.search(r"tht|pth|dip|dil|to-?220|to-?92", words + shown.get("package", "").lower()) else None
    return Product(
        key=f"FZ-{slug(file.stem)}",
        title=title,
        description=described(title, kind, prose, shown, tags),
        category=category, brand=brand,
        image=picture(parts, module, shown.get("package", "") if sparkfun else "", pictures),
        source=SOURCE, author=author(module.findtext("author")),
        price_low=low, price_high=high, weight_grams=grams,
        attributes=attributes(kind=kind if kind.lower() not in ("", "ic") else None, mounting=mounting, **shown,
                              tags=", ".join(dict.fromkeys(t.lower() for t in tags if wordy(t)))[:180]),
    )


def titled(raw: str, kind: str, properties: dict, tags: list[str], sparkfun: bool) -> str:
    """A name for people. SparkFun's are often those of a CAD library: TRANSISTOR_NPN, SWITCH-MOMENTARY-2, MICROCONTROLLER."""
    title = re.sub(r"^_h\d_|__h\d_$", "", raw)
    title = re.sub(r"_([A-Z])_", r"\1", title).replace("_", " ").strip(" .*-")
    title = re.sub(r"\s+", " ", title)
    kind = kind[:1].upper() + kind[1:]
    if sparkfun and not re.search(r"[a-z]", title):
        if not re.search(r"\d", title) or re.match(r"(SWITCH|LCD|JUMPER|BUTTONPAD|RELAY|HEADER|BATTERY|AUDIO|7-SEG|POT|ENCODER|M\d+$|F25|ANTENNA|SOLAR)", title):
            extra = next((t for t in tags if re.search(r"[A-Z]{2,}.*\d", t) and " " not in t and not re.match(r"(SO|DIL|TSSOP|QFN|SOT|TQFP|LQFP|SSOP|MSOP)", t)), None)
            title = kind if kind and "_" not in kind else title.capitalize()
            if extra and extra.replace("_", " ").lower() not in title.lower():
                title += f" {extra.replace('_', ' ').strip(' -')}"
    elif sparkfun and title.lower() in ("microcontroller", "unproven"):
        title = kind
    bare = re.sub(r"[^a-z]", "", kind.lower())
    if kind and " " not in title and re.search(r"\d", title) and bare and bare not in re.sub(r"[^a-z]", "", title.lower()) and not re.search(r"\d", kind):
        title = f"{title} {kind}"
    title = title[:1].upper() + title[1:]
    for written, better in BETTER_TITLES:
        title = re.sub(written, better, title)
    return title


def described(title: str, kind: str, prose: str, shown: dict[str, str], tags: list[str]) -> str:
    prose = re.sub(r"https?://\S+|www\.\S+|\S+@\S+", "", prose)
    prose = re.split(r"(?i)notes? on the variants|note:", prose)[0]
    prose = re.sub(r"(?im)^(unproven|\*+).*$", "", prose)
    prose = re.sub(r"(?i)\(?(sku|prt|com|sen|gps|wrl|dev|bob)\s*[:#-]\s*[\w-]+\)?|generated from .*$", "", prose)
    prose = "\n".join(re.sub(r"\s+", " ", row).strip(" -*") for row in prose.split("\n"))
    prose = re.split(r"(?im)^(documents?|resources|features|links?)\s*:\s*$", prose)[0]
    prose = re.sub(r"(?i)^description:\s*", "", prose.strip())
    sentences = ([s for s in re.split(r"(?<=[.!?])\s+", row) if not DULL_PROSE.search(s)] for row in prose.split("\n"))
    prose = "\n".join(" ".join(row) for row in sentences if len(" ".join(row)) > 2)
    prose = re.sub(r"\s+([,.;)])", r"\1", re.sub(r"\b(\w+) \1\b", r"\1", prose))
    facts = [f"{name.replace('_', ' ').capitalize()}: {value}." for name, value in shown.items()]
    head = "" if prose.lower().startswith(title.lower()[:12]) else f"{title}{f', {kind[:1].lower() + kind[1:]}' if kind and kind.lower() not in title.lower() else ''}."
    text = "\n".join(part for part in (head, prose[:1500].strip(), " ".join(facts)) if part)
    return text if len(text) > 25 else f"{text} Keywords: {', '.join(tags).lower()}." if tags else f"{text} Category: {kind.lower() or 'part'}."


def tidy(value: str) -> str:
    return re.sub(r"\s+", " ", value.replace("[", "(").replace("]", ")").replace("_", " ").replace("*", "")).strip()


def wordy(tag: str) -> bool:
    return len(tag) > 2 and tag.lower() not in ("fritzing core", "user part", "sparkfun", "subpart") and not tag.startswith(("-", "_"))


def author(name: str | None) -> str:
    name = re.sub(r"\(?\S+@\S+\)?|https?://\S+", "", line(name))
    name = re.sub(r"\s*@\s?[\w.]+", "", name)
    name = re.sub(r"\s+,", ",", re.sub(r"\s+", " ", name)).strip(" ,;:")
    return {"": "Fritzing contributors", "www.fritzing.org": "Fritzing", "frank": "Frank"}.get(name, name)


def picture(parts: Path, module: ElementTree.Element, package: str, pictures: Pictures) -> str | None:
    """The breadboard drawing. SparkFun's of a chip alone show an adapter board with the chip as a dot on it: those are drawn anew."""
    if match := SMALL.fullmatch(package):
        pins, label = int(match[2] or 3), match[1].replace("SOT", "SOT-").replace("--", "-") + (f"-{match[2]}" if match[2] else "")
        return pictures.drawing(f"package-sot-{slug(label)}-{pins}", drawing.package("sot", pins, label))
    if match := CHIP.fullmatch(package):
        label = f"{match[1].rstrip('-').replace('DIL', 'DIP')}-{int(match[2])}"
        family = next(drawn for expression, drawn in FAMILIES if re.search(expression, label))
        return pictures.drawing(f"package-{family}-{slug(label)}-{int(match[2])}", drawing.package(family, int(match[2]), label))
    for view in ("breadboardView", "iconView"):
        layers = module.find(f"views/{view}/layers")
        if layers is None or not (image := layers.get("image")):
            continue
        for shelf in ("core", "contrib", "obsolete"):
            source = parts / "svg" / shelf / image
            if source.exists() and (made := pictures.svg(f"fritzing-{slug(source.stem)}", source)):
                return made
        if match := re.search(r"generic_ic_(dip)_(\d+)|generic_(sip)_(\d+)", image):
            family, pins = match[1] or match[3], int(match[2] or match[4])
            label = f"{family.upper()}-{pins}"
            return pictures.drawing(f"package-{family}-{slug(label)}", drawing.package(family, pins, label))
    return None


def once(products: list[Product]) -> list[Product]:
    """One good for each title, package and picture; parts that differ in their drawing alone are one good."""
    seen: dict[tuple, Product] = {}
    for made in products:
        seen.setdefault((made.title.lower(), made.attributes.get("package", "").lower().replace(" ", ""), made.attributes.get("size"),
                         made.attributes.get("pins"), made.attributes.get("pitch"), made.attributes.get("color")), made)
    return [made for made in seen.values() if made.image and len(made.title) > 2]


def variants(products: list[Product]) -> list[Product]:
    """Parts of one title are variants, told apart by the first property in which all of them differ."""
    groups = defaultdict(list)
    for made in products:
        groups[(made.title.lower(), made.category)].append(made)
    for (title, _), members in groups.items():
        if len(members) < 2:
            continue
        for option in ("package", "size", "pins", "color", "capacitance", "type", "pin_spacing"):
            values = [m.attributes.get(option) for m in members]
            if all(values) and len(set(values)) == len(values):
                for m, value in zip(members, values):
                    m.group, m.options = f"fritzing-{slug(title)}", {option: value}
                break
        for m in members:
            mark = next(iter(m.options.values()), None) or m.attributes.get("package") or m.attributes.get("type")
            if mark and mark.lower() not in m.title.lower():
                m.title = f"{m.title}, {mark}"
    return products
