// Whole journeys of the personas in a real browser, with scripts and without, on a desk and on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, WIDTHS, addToCart, launch, open } from './site.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const heading = (page, name) => page.getByRole('heading', { level: 1, name });

const ADDRESS = { street: 'Invalidenstraße', number: '1', zip: '10115', city: 'Berlin' };

async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
}

/**
 * Waits until a page shows a text: what happens to an order happens in the background. With scripts the page moves by itself; without
 * them it is opened again.
 */
async function until(page, text, javaScriptEnabled) {
  const shown = page.getByText(text).first();
  if (javaScriptEnabled) return shown.waitFor();
  for (let turn = 0; turn < 100; turn += 1) {
    if (await shown.isVisible()) return undefined;
    await page.waitForTimeout(100);
    await page.goto(page.url());
  }
  return assert.fail(`${page.url()} does not show “${text}”`);
}

/** A test for each width and for a browser with scripts and one without. */
function everywhere(name, run) {
  for (const [width, pixels] of Object.entries(WIDTHS)) {
    for (const javaScriptEnabled of [true, false]) {
      test(`${name}: ${width}, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
        const visitor = await open(browser, { options: { javaScriptEnabled, viewport: { width: pixels, height: 900 } } });
        await run(visitor.page, { javaScriptEnabled });
        assert.deepEqual(visitor.complaints, []);
        await visitor.context.close();
      });
    }
  }
}

everywhere('a new customer registers, fills a cart, orders and cancels', async (page, { javaScriptEnabled }) => {
  await page.goto(`${BASE}/register`);
  await page.fill('[name=name]', 'Ada');
  await page.fill('[name=email]', `ada-${crypto.randomUUID()}@customers.example`);
  // Refused first, with what was typed kept.
  await page.fill('[name=password]', 'short');
  await page.locator('main').getByRole('button', { name: 'Create an account' }).click();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.inputValue('[name=name]'), 'Ada');
  await page.fill('[name=password]', 'a long pass phrase');
  await page.locator('main').getByRole('button', { name: 'Create an account' }).click();
  await page.waitForURL((url) => url.pathname !== '/register');

  await addToCart(page);
  await page.goto(`${BASE}/cart`);
  await page.getByRole('link', { name: 'Go to checkout' }).click();
  await heading(page, 'Checkout').waitFor();
  await fill(page, { recipient: 'Ada Example', ...ADDRESS });
  // A declined card keeps everything.
  await page.check('[value=pm_declined]');
  await page.getByRole('button', { name: 'Order and pay' }).click();
  await page.waitForURL(/\/account\/orders\/[0-9a-f-]+$/);
  await page.getByText('The payment failed').first().waitFor();
  await page.getByRole('button', { name: 'Pay again' }).click();
  await page.waitForURL(/\/account\/orders\/[0-9a-f-]+$/);
  await until(page, 'Confirmed', javaScriptEnabled);
  await page.locator('summary', { hasText: 'Cancel the order' }).click();
  await page.getByRole('button', { name: 'Cancel the order' }).click();
  await until(page, 'Cancelled', javaScriptEnabled);
});

everywhere('a guest orders without an account and finds the order again', async (page, { javaScriptEnabled }) => {
  await addToCart(page);
  await page.goto(`${BASE}/checkout`);
  await fill(page, { email: `guest-${crypto.randomUUID()}@guests.example`, name: 'Grace', ...ADDRESS });
  // A postal code that no place has: said beside the field, everything else is kept.
  await page.fill('[name=zip]', 'ABC');
  await page.getByRole('button', { name: 'Order and pay' }).click();
  await page.locator('#zip[aria-invalid]').waitFor();
  assert.equal(await page.inputValue('[name=name]'), 'Grace');
  await page.fill('[name=zip]', '10115');
  await page.getByRole('button', { name: 'Order and pay' }).click();
  await page.waitForURL(/\/orders\/[0-9a-f-]+$/);
  const order = page.url();
  await until(page, 'Confirmed', javaScriptEnabled);
  await page.goto(`${BASE}/cart`);
  await page.getByText('Your cart is empty').waitFor();
  await page.goto(order);
  await page.getByText('Confirmed').first().waitFor();
});
