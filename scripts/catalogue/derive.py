"""Price, stock and seller. No source has them, so they are drawn from a hash of the catalogue's seed and the SKU: invented,
but the same at every run."""

import json
import math
from statistics import NormalDist

from common import DESCRIPTION_LIMIT, TITLE_LIMIT, Product, chance, clip

NORMAL = NormalDist()
ENDINGS = (90, 95, 99)
SELLERS = (  # the first prefix that fits a category names the seller
    ("garden", "green-terrace"),
    ("photo", "lumen-photo"),
    ("maker", "workbench"),
    ("components/microcontrollers", "circuit-wholesale"),
    ("components/programmable-logic", "circuit-wholesale"),
    ("components/logic", "circuit-wholesale"),
    ("components/memory", "circuit-wholesale"),
    ("components/interfaces", "circuit-wholesale"),
    ("components/timing", "circuit-wholesale"),
    ("components/wireless", "circuit-wholesale"),
    ("components", "parts-harbour"),
    ("", "casa-home"),
)


def price_amount(product: Product) -> int:
    """Cents, from a log-normal whose middle 95 % is the kind's range. Variants of one good stay close to each other."""
    low, high = product.price_low, product.price_high
    middle, spread = math.log(low * high) / 2, math.log(high / low) / 3.92
    draw = NORMAL.inv_cdf(chance("price", product.group or product.sku))
    euros = math.exp(middle + spread * max(-2.2, min(2.2, draw)))
    if product.group:
        euros *= 0.97 + 0.06 * chance("variant", product.sku)
    whole = int(euros) if euros < 20 else int(euros / 5) * 5 + 4 if euros < 200 else int(euros / 10) * 10 + 9
    if euros >= 2000:
        whole = int(euros / 50) * 50 + 49
    return whole * 100 + ENDINGS[int(chance("ending", product.sku) * len(ENDINGS))]


def stock(product: Product) -> int:
    """Most have 20–500, about one in sixteen is nearly sold out, one in fifty is."""
    draw = chance("stock", product.sku)
    if draw < 0.02:
        return 0
    if draw < 0.08:
        return 1 + int((draw - 0.02) / 0.06 * 4)
    return 20 + int(480 * ((draw - 0.08) / 0.92) ** 1.7)


def seller(category: str) -> str:
    return next(name for prefix, name in SELLERS if category.startswith(prefix))


def row(product: Product) -> str:
    """The product's line of `products.jsonl`."""
    values = {
        "sku": product.sku,
        "title": clip(product.title, TITLE_LIMIT),
        "description": clip(product.description, DESCRIPTION_LIMIT),
        "category": product.category,
        "brand": product.brand,
        "priceAmount": price_amount(product),
        "currency": "EUR",
        "image": product.image,
        "attributes": product.attributes,
        "seller": seller(product.category),
        "stock": stock(product),
        "weightGrams": max(1, product.weight_grams),
    }
    if product.group:
        values |= {"productGroup": product.group, "options": product.options}
    values |= {"source": product.source, "author": product.author}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
