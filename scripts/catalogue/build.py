#!/usr/bin/env python3
"""Makes `demo/catalogue` out of four Debian packages. See README.md in this folder."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import attribution
import derive
import fritzing
import furniture
import kicad
import lensfun
import shop
from common import Product, give_skus
from packages import unpack
from pictures import Pictures

TARGET = Path(__file__).resolve().parents[2] / "demo" / "catalogue"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--work", type=Path, default=Path("target/catalogue"), help="where packages are fetched to and unpacked")
    arguments.add_argument("--out", type=Path, default=TARGET, help="where the catalogue is written")
    options = arguments.parse_args()

    packages = unpack(options.work)
    shutil.rmtree(options.out / "images", ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Pictures(options.out / "images", Path(scratch))
        products: list[Product] = [
            *furniture.read(packages["sweethome3d-furniture"], pictures),
            *fritzing.read(packages["fritzing-parts"], pictures),
            *lensfun.read(packages["liblensfun-data-v1"], pictures),
            *kicad.read(packages["kicad-symbols"], pictures),
        ]
    give_skus(products)
    products.sort(key=lambda product: product.sku)
    write(options.out, products, packages)
    print(f"{len(products)} products, {len({p.image for p in products})} pictures in {options.out}")


def write(out: Path, products: list[Product], packages: dict[str, Path]) -> None:
    lone_variants_are_no_variants(products)
    used = {product.image for product in products}
    for image in (out / "images").iterdir():
        if f"images/{image.name}" not in used:
            image.unlink()
    with open(out / "products.jsonl", "w", encoding="utf-8", newline="\n") as file:
        file.writelines(derive.row(product) + "\n" for product in products)
    for name, values in (("categories", shop.categories()), ("sellers", shop.sellers())):
        rows = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
        (out / f"{name}.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    attribution.write(out, products, packages)


def lone_variants_are_no_variants(products: list[Product]) -> None:
    sizes: dict[str, int] = {}
    for product in products:
        if product.group:
            sizes[product.group] = sizes.get(product.group, 0) + 1
    for product in products:
        if product.group and sizes[product.group] == 1:
            product.group, product.options = None, {}


if __name__ == "__main__":
    main()
