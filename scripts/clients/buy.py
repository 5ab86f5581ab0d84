"""Buys something with the client that openapi-python-client makes of the API description."""

import sys
import time
import uuid

from souk_client import AuthenticatedClient, Client
from souk_client.api.auth import register
from souk_client.api.cart import add_cart_item
from souk_client.api.catalog import get_product
from souk_client.api.inventory import get_availability
from souk_client.api.order import get_order, list_orders, place_order
from souk_client.api.search import search_products
from souk_client.api.user import add_address
from souk_client.models import (
    AddCartItemRequest,
    OrderStatus,
    PaymentMethod,
    PlaceOrderRequest,
    Problem,
    RegisterUserRequest,
    SearchProductsAttributes,
    Sort,
    WriteAddressRequest,
)


def must(answer):
    """The answer, or the problem as an exception."""
    if answer is None or isinstance(answer, Problem):
        raise SystemExit(f"refused: {answer}")
    return answer


base = f"{sys.argv[1]}/api/v1"
person = RegisterUserRequest(email=f"python-{time.time_ns()}@example.com", password="an oak lamp for two", name="Mara")
tokens = must(register.sync(client=Client(base_url=base), body=person))
client = AuthenticatedClient(base_url=base, token=tokens.access_token, timeout=30)

address = WriteAddressRequest(country="DE", city="Berlin", zip_="10115", street="Invalidenstraße", number="117")
address_id = must(add_address.sync(client=client, body=address)).address_id


def find_facet():
    """An attribute of products on sale, once the index of the new demo holds some."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = must(search_products.sync(client=client, in_stock=True, sort=Sort.PRICE, limit=5))
        for facet in found.facets.attributes.additional_properties.items():
            return facet
        time.sleep(0.2)
    raise SystemExit("the index has no attributes")


name, values = find_facet()
attributes = SearchProductsAttributes.from_dict({f"attr.{name}": values[0].value})
filtered = must(search_products.sync(client=client, in_stock=True, attributes=attributes))
assert filtered.total >= 1
# The index learns of a sale a moment later than the stock.
hit = next(hit for hit in filtered.items if must(get_availability.sync(hit.product_id, client=client)).in_stock)
product = must(get_product.sync(client=client, product_id=hit.product_id))
assert product.title == hit.title

refused = add_cart_item.sync(client=client, body=AddCartItemRequest(product_id=product.product_id, quantity=0))
assert isinstance(refused, Problem) and refused.code == "INVALID_REQUEST" and refused.errors[0].pointer == "/quantity", refused
cart = must(add_cart_item.sync(client=client, body=AddCartItemRequest(product_id=product.product_id, quantity=1)))

order = PlaceOrderRequest(shipping_address_id=address_id, payment_method=PaymentMethod.PM_OK)
placed = must(place_order.sync(client=client, body=order, idempotency_key=str(uuid.uuid4()), prefer="wait=20"))
assert placed.subtotal_amount == cart.subtotal_amount

order = must(get_order.sync(client=client, order_id=placed.order_id))
assert order.status == OrderStatus.CONFIRMED, order.status
orders = must(list_orders.sync(client=client, status=[OrderStatus.CONFIRMED]))
assert [item.order_id for item in orders.items] == [placed.order_id] and orders.next_cursor is None
print(f"Python: order {order.order_number} is {order.status}")
