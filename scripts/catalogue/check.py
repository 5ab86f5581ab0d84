#!/usr/bin/env python3
"""Asserts what the loader of the demo catalogue relies on, and that the folder stays small. Needs nothing but Python."""

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

FIELDS = {"sku", "title", "description", "category", "brand", "priceAmount", "currency", "image", "attributes", "seller", "stock", "weightGrams",
          "source", "author"}
LIMIT = 20 * 1000 * 1000
MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&(amp|lt|gt|quot|nbsp|#\d+);|https?://|\ufffd|Ã.|â€")
UNFIT = re.compile(r"\b(untested|unproven|logo)\b|generic ic", re.I)
faults: list[str] = []


def expect(fine: object, sku: str, message: str) -> None:
    if not fine:
        faults.append(f"{sku}: {message}")


def main(folder: Path) -> None:
    categories = json.loads((folder / "categories.json").read_text(encoding="utf-8"))
    sellers = json.loads((folder / "sellers.json").read_text(encoding="utf-8"))
    known: set[str] = set()
    for category in categories:
        expect(category["parent"] is None or category["parent"] in known, category["slug"], "parent does not come before")
        expect(category["slug"] not in known, category["slug"], "category is not unique")
        known.add(category["slug"])
    expect(len(categories) >= 25, "categories.json", "fewer than 25 categories")
    shops = {seller["slug"] for seller in sellers}
    expect(all(re.fullmatch(r"[a-z]+@souk\.example", s["email"]) for s in sellers), "sellers.json", "e-mail address that could be somebody's")

    rows = (folder / "products.jsonl").read_text(encoding="utf-8").splitlines()
    products = [json.loads(row) for row in rows]
    skus = [product["sku"] for product in products]
    expect(skus == sorted(skus), "products.jsonl", "not sorted by sku")
    expect(len(set(skus)) == len(skus), "products.jsonl", "skus are not unique")
    groups: dict[str, list[dict]] = defaultdict(list)
    for product in products:
        check(product, folder, known, shops)
        if "productGroup" in product:
            groups[product["productGroup"]].append(product)
    for name, members in groups.items():
        expect(len(members) > 1, name, "group of one")
        expect(len({json.dumps(m["options"]) for m in members}) == len(members), name, "variants with the same options")
        expect(len({tuple(m["options"]) for m in members}) == 1, name, "variants with different options")

    used = {product["image"] for product in products if product["image"]}
    there = {f"images/{file.name}" for file in (folder / "images").iterdir()}
    for file in (folder / "images").glob("*.svg"):
        expect(not re.search(r"<script|href|\bon\w+=|<foreign", file.read_text(encoding="utf-8")), file.name, "more than a drawing")
    expect(used == there, "images", f"{len(there - used)} unused, {len(used - there)} missing")
    expect(shops == {product["seller"] for product in products}, "sellers.json", "seller without goods")
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    expect(total < LIMIT, "size", f"{total} bytes")
    report(products, used, groups, total)


def check(product: dict, folder: Path, known: set[str], shops: set[str]) -> None:
    sku = product["sku"]
    expect(FIELDS <= set(product) <= FIELDS | {"productGroup", "options"}, sku, "fields")
    expect(re.fullmatch(r"[A-Z0-9-]{3,40}", sku), sku, "form of the sku")
    expect(3 <= len(product["title"]) <= 200 and product["title"] == product["title"].strip(), sku, f"title {product['title']!r}")
    expect(10 <= len(product["description"]) <= 2000, sku, "description's length")
    expect("\n" not in product["title"], sku, "title of several lines")
    for text in (product["title"], product["description"], product["author"], product["brand"], *product["attributes"].values()):
        expect(not MARKUP.search(text), sku, f"mark-up, link or broken encoding in {text[:90]!r}")
        expect(text.isprintable() or "\n" in text, sku, f"control character in {text[:60]!r}")
    expect(not UNFIT.search(product["title"]), sku, f"unfit title {product['title']!r}")
    expect("@" not in product["author"], sku, "address of a person")
    expect(product["category"] in known, sku, f"category {product['category']}")
    expect(product["seller"] in shops, sku, f"seller {product['seller']}")
    expect(product["brand"] and product["source"] and product["author"], sku, "brand, source or author is empty")
    expect(isinstance(product["priceAmount"], int) and 50 <= product["priceAmount"] <= 2_000_000, sku, f"price {product['priceAmount']}")
    expect(product["priceAmount"] % 100 in (90, 95, 99), sku, "ending of the price")
    expect(product["currency"] == "EUR", sku, "currency")
    expect(isinstance(product["stock"], int) and 0 <= product["stock"] <= 500, sku, "stock")
    expect(isinstance(product["weightGrams"], int) and 1 <= product["weightGrams"] <= 300_000, sku, f"weight {product['weightGrams']}")
    expect(len(product["attributes"]) <= 20, sku, "too many attributes")
    for name, value in (product["attributes"] | product.get("options", {})).items():
        expect(re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name), sku, f"name of attribute {name}")
        expect(isinstance(value, str) and 1 <= len(value) <= 200, sku, f"value of {name}")
    expect(("productGroup" in product) == ("options" in product), sku, "group without options")
    if product["image"]:
        expect(re.fullmatch(r"images/[a-z0-9-]+\.(webp|svg)", product["image"]), sku, f"image {product['image']}")
        expect((folder / product["image"]).is_file(), sku, f"image {product['image']} is not there")


def report(products: list[dict], images: set[str], groups: dict, total: int) -> None:
    for source, count in sorted(Counter(product["source"] for product in products).items()):
        print(f"{count:6} {source}")
    for top, count in sorted(Counter(product["category"].split("/")[0] for product in products).items()):
        print(f"{count:6} {top}")
    titles = len({product["title"] for product in products})
    sold_out = sum(product["stock"] == 0 for product in products)
    print(f"{len(products)} products, {titles} titles, {len(groups)} groups with {sum(map(len, groups.values()))} variants, {sold_out} sold out, "
          f"{sum(product['image'] is None for product in products)} without picture, {len(images)} pictures, {total / 1e6:.1f} MB")
    for fault in faults[:40]:
        print("FAULT", fault)
    if faults:
        sys.exit(f"{len(faults)} faults")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "demo" / "catalogue")
