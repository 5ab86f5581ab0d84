"""What every source shares: the shape of a product, clean text, stock-keeping units, chance drawn from a hash."""

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass, field

SEED = "souk-demo-1"
TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 2000
VALUE_LIMIT = 200
ATTRIBUTE_LIMIT = 20


@dataclass
class Product:
    """A good as a source knows it. Price, stock and seller are added by `derive`, for no source has them."""

    key: str
    """Prefix and name that the SKU is made from; unique within its source in all but a few cases."""
    title: str
    description: str
    category: str
    brand: str
    image: str | None
    source: str
    author: str
    price_low: float
    """Euros below which about one good in forty of this kind is priced."""
    price_high: float
    weight_grams: int
    attributes: dict[str, str] = field(default_factory=dict)
    group: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    sku: str = ""


def plain(text: str | None) -> str:
    """Text without mark-up, entities, control characters and runs of white space."""
    text = text or ""
    for _ in range(2):  # some sources escape twice
        text = html.unescape(text)
    text = re.sub(r"(?is)<(style|script).*?</\1>", " ", text)
    text = re.sub(r"(?i)<br\s*/?>|</(p|div|li|h\d|tr)>", "\n", text)
    text = re.sub(r"</?[a-zA-Z!][^<>]*>", "", text)
    text = unicodedata.normalize("NFC", text).replace("\u00a0", " ").replace("\ufffd", "")
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c)[0] != "C")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def line(text: str | None, limit: int = VALUE_LIMIT) -> str:
    return clip(plain(text).replace("\n", " "), limit)


def clip(text: str, limit: int) -> str:
    """Cut at a word, never in the middle of one."""
    if len(text) <= limit:
        return text
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;.") + "…"


def slug(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.replace("µ", "u").replace("Ω", "ohm"))
    text = "".join(c for c in text if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def attributes(**values: object) -> dict[str, str]:
    """Attributes that have a value, in the order given."""
    cleaned = {name: line(str(value)) for name, value in values.items() if value not in (None, "")}
    return {name: value for name, value in list(cleaned.items())[:ATTRIBUTE_LIMIT] if value}


def digest(*parts: str) -> bytes:
    return hashlib.sha256("|".join((SEED, *parts)).encode()).digest()


def chance(*parts: str) -> float:
    """A number between 0 and 1, both excluded, that depends on nothing but the seed and the parts."""
    return (int.from_bytes(digest(*parts)[:6]) + 0.5) / (1 << 48)


def give_skus(products: list[Product]) -> None:
    """SKUs of 3–40 upper-case letters, digits and hyphens. Long and colliding ones end in a piece of a hash."""
    seen: dict[str, Product] = {}
    for product in products:
        sku = slug(product.key).upper()
        if len(sku) > 40 or len(sku) < 3 or sku in seen:
            mark = digest("sku", product.key, product.title, str(product.options)).hex()[:6].upper()
            sku = f"{sku[:33].rstrip('-')}-{mark}"
        if sku in seen:
            raise ValueError(f"{sku} stands for both {seen[sku].title!r} and {product.title!r}")
        seen[sku] = product
        product.sku = sku
