// Buys something with the client that openapi-typescript makes of the API description.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const address: components["schemas"]["WriteAddressRequest"] = {
  country: "DE",
  city: "Berlin",
  zip: "10115",
  street: "Invalidenstraße",
  number: "117",
};

const baseUrl = `${process.argv[2]}/api/v1`;
const client = createClient<paths>({ baseUrl, querySerializer: { object: { style: "form", explode: true } } });

/** The answer, or the problem as an exception. */
const must = <T, E>({ data, error }: { data?: T; error?: E }): NonNullable<T> => {
  if (data == null) throw new Error(JSON.stringify(error));
  return data;
};

const email = `typescript-${Date.now()}@example.com`;
const tokens = must(await client.POST("/auth/register", { body: { email, password: "an oak lamp for two", name: "Mara" } }));
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${tokens.accessToken}`);
    return request;
  },
});

const { addressId } = must(await client.POST("/users/me/addresses", { body: address }));

/** An attribute of products on sale, once the index of the new demo holds some. */
const findFacet = async () => {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await setTimeout(200)) {
    const found = must(await client.GET("/search", { params: { query: { inStock: true, sort: "price", limit: 5 } } }));
    const [facet] = Object.entries(found.facets.attributes).filter(([, values]) => values.length > 0);
    if (facet) return facet;
  }
  throw new Error("the index has no attributes");
};
const facet = await findFacet();
const attributes = { [`attr.${facet[0]}`]: facet[1][0]!.value };
const filtered = must(await client.GET("/search", { params: { query: { attributes, inStock: true } } }));
assert(filtered.total >= 1);

// The index learns of a sale a moment later than the stock.
const availabilities = await Promise.all(
  filtered.items.map((item) => client.GET("/products/{productId}/availability", { params: { path: item } })),
);
const hit = filtered.items.find((_, at) => must(availabilities[at]!).inStock);
assert(hit, "one of the hits can be bought");
const product = must(await client.GET("/products/{productId}", { params: { path: { productId: hit.productId } } }));
assert.equal(product.title, hit.title);

const refused = await client.POST("/cart/items", { body: { productId: product.productId, quantity: 0 } });
assert.equal(refused.error?.code, "INVALID_REQUEST");
assert.equal(refused.error?.errors?.[0]?.pointer, "/quantity");
const cart = must(await client.POST("/cart/items", { body: { productId: product.productId, quantity: 1 } }));

const placed = must(
  await client.POST("/orders", {
    params: { header: { "Idempotency-Key": crypto.randomUUID(), Prefer: "wait=20" } },
    body: { shippingAddressId: addressId, paymentMethod: "pm_ok" },
  }),
);
assert.equal(placed.subtotalAmount, cart.subtotalAmount);

const order = must(await client.GET("/orders/{orderId}", { params: { path: { orderId: placed.orderId } } }));
assert.equal(order.status, "CONFIRMED");
const orders = must(await client.GET("/orders", { params: { query: { status: ["CONFIRMED"] } } }));
assert.deepEqual(orders.items.map((item) => item.orderId), [placed.orderId]);
assert.equal(orders.nextCursor, null);
console.log(`TypeScript: order ${order.orderNumber} is ${order.status}`);
