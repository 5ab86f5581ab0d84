// Whole journeys of the personas in a real browser, with scripts and without, on a desk and on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADDRESS, BASE, WIDTHS, addToCart, fill, launch, open, orderAsGuest, until } from './site.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const heading = (page, name) => page.getByRole('heading', { level: 1, name });

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

/** A test for each width, in a browser with scripts. Further visitors are opened by `other`. */
function atBothWidths(name, run) {
  for (const [width, pixels] of Object.entries(WIDTHS)) {
    test(`${name}: ${width}`, async () => {
      const visitors = [];
      const other = async (as) => {
        visitors.push(await open(browser, { as, options: { viewport: { width: pixels, height: 900 } } }));
        return visitors.at(-1).page;
      };
      await run(await other(), other);
      for (const { complaints, context } of visitors) {
        assert.deepEqual(complaints, []);
        await context.close();
      }
    });
  }
}

/** Waits until a page that is opened again and again has something, shown or folded. */
async function reloadedUntil(page, path, locator) {
  for (let turn = 0; turn < 100; turn += 1) {
    await page.goto(BASE + path);
    if (await locator.count()) return;
    await page.waitForTimeout(200);
  }
  assert.fail(`${path} does not show what it should`);
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

atBothWidths('a seller applies, is approved, lists a product with pictures, and ships its first sale', async (page, other) => {
  const shop = `Lamps ${crypto.randomUUID().slice(0, 8)}`;
  await page.goto(`${BASE}/register?next=/seller`);
  await fill(page, { name: 'Mara', email: `mara-${crypto.randomUUID()}@sellers.example`, password: 'a long pass phrase' });
  await page.locator('main').getByRole('button', { name: 'Create an account' }).click();
  await heading(page, 'Become a seller').waitFor();
  // Refused first, with what was typed kept.
  await fill(page, { shopName: shop.repeat(30), legalName: 'Mara Sol', payoutAccount: 'po_ok' });
  await page.selectOption('[name=country]', 'AT');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.locator('#shopName[aria-invalid]').waitFor();
  assert.equal(await page.inputValue('[name=legalName]'), 'Mara Sol');
  assert.equal(await page.inputValue('[name=country]'), 'AT');
  // The account that money goes to is not sent back to the page.
  await fill(page, { shopName: shop, payoutAccount: 'po_ok' });
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Your application is sent.').waitFor();

  const admin = await other('admin');
  await admin.goto(`${BASE}/admin/sellers?status=APPLIED`);
  await admin.getByRole('link', { name: shop }).click();
  await heading(admin, shop).waitFor();
  await admin.locator('#approve button').click();
  await admin.getByText('Approved').first().waitFor();

  await reloadedUntil(page, '/seller', page.getByText('Steps before you sell'));
  await reloadedUntil(page, '/seller/products/new', page.locator('[name=sku]'));
  await fill(page, { title: `Brass lamp of ${shop}`, sku: `LAMP-${crypto.randomUUID().slice(0, 8)}`, priceAmount: '49.00', availableQty: '5' });
  await page.selectOption('[name=categoryId]', { index: 1 });
  await page.getByRole('button', { name: 'Create draft' }).click();
  await page.getByText('The draft is created.').waitFor();
  for (const [index, shown] of ['h1', '#stock'].entries()) {
    const buffer = await page.locator(shown).screenshot();
    await page.setInputFiles('#file', { name: `${index}.png`, mimeType: 'image/png', buffer });
    await page.getByRole('button', { name: 'Upload' }).click();
    await page.locator('.picture-list li').nth(index).waitFor();
  }
  await page.getByRole('button', { name: 'Put on sale' }).click();
  await page.getByText('It is on sale now.').waitFor();
  const product = await page.locator('a[href^="/products/"]').first().getAttribute('href');

  const guest = await other();
  await guest.goto(BASE + product);
  assert.equal(await guest.locator('.thumbs-row li').count(), 2);
  await guest.getByRole('button', { name: 'Add to cart' }).click();
  const number = await orderAsGuest(guest);

  const sale = page.getByRole('link', { name: number });
  await reloadedUntil(page, '/seller/fulfilments?status=CONFIRMED', sale);
  await sale.first().click();
  await fill(page, { carrier: 'Own van', trackingNumber: 'VAN-7' });
  await page.getByRole('button', { name: 'Mark as shipped' }).click();
  await page.getByText('The parcel is marked as shipped.').waitFor();
  await until(guest, 'VAN-7', true);
});

atBothWidths('an administrator finds an order, reads its story, and refunds a part of it after a preview', async (guest, other) => {
  await addToCart(guest);
  const number = await orderAsGuest(guest);
  const page = await other('admin');
  await page.goto(`${BASE}/admin/orders`);
  await page.fill('#filter-orderNumber', number);
  await page.locator('.filter-bar button').click();
  await page.getByRole('link', { name: number, exact: true }).click();
  await heading(page, number).waitFor();
  for (const part of ['What happened', 'Goods', 'Customer', 'Money', 'Stock']) {
    await page.getByRole('heading', { level: 2, name: part }).first().waitFor();
  }
  await page.locator('a[href$="/refund"]').click();
  await page.selectOption('#refund-part', 'part');
  // More than was paid, and then less.
  await page.fill('#refund-amount', '999999');
  await page.locator('#refund button').click();
  await page.locator('#refund-amount[aria-invalid]').waitFor();
  await page.selectOption('#refund-part', 'part');
  await page.fill('#refund-amount', '1.00');
  await page.locator('#refund button').click();
  await page.locator('#confirm').waitFor();
  assert.match(await page.locator('dl.facts').textContent(), /€1\.00/);
  await page.locator('#confirm button').click();
  await page.waitForURL(/\/admin\/orders\/[^/]+$/);
  await page.getByRole('status').waitFor();
  const refunded = page.locator('dl.sums').getByText('€1.00');
  await reloadedUntil(page, new URL(page.url()).pathname, refunded);
  // A phone folds the money.
  if (!(await refunded.isVisible())) await page.locator('details.fold', { has: refunded }).locator('summary').click();
  await refunded.waitFor();
});

test('the command palette opens, narrows, is worked by keys, and gives the focus back', async () => {
  const { page, context, complaints } = await open(browser, { as: 'admin' });
  await page.goto(`${BASE}/admin`);
  const palette = page.locator('dialog.palette');
  const before = page.locator('#places a').nth(2);
  await before.focus();
  await page.keyboard.press('Control+k');
  await palette.waitFor();
  const names = () => palette.locator('li:not([hidden]) a').allTextContents();
  const all = await names();
  assert.ok(all.length > 10, all.join());
  await page.keyboard.type('payo');
  assert.deepEqual(await names(), ['Payouts']);
  await page.keyboard.press('Escape');
  await palette.waitFor({ state: 'hidden' });
  assert.ok(await before.evaluate((link) => link === document.activeElement), 'the focus is where it was');

  await page.keyboard.press('Control+k');
  assert.deepEqual(await names(), all, 'what was typed is gone');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), all[1]);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.type('payo');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/admin/payouts');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('on a phone the rows of a table show their states and their buttons', async () => {
  const { page, context } = await open(browser, { as: 'admin', options: { viewport: { width: 360, height: 800 } } });
  for (const [path, what] of [['/admin/demo', 'tbody button'], ['/admin/orders', 'tbody .pill'], ['/admin/reviews', 'tbody button']]) {
    await page.goto(BASE + path);
    const found = await page.locator(what).all();
    assert.ok(found.length > 0, `${path} has ${what}`);
    for (const one of found) {
      const { x, width } = await one.boundingBox();
      assert.ok(x >= 0 && x + width <= 360, `${path}: ${await one.textContent()} lies from ${x} to ${x + width}`);
    }
  }
  await context.close();
});

test('an order is printed by a button that needs scripts', async () => {
  const { page, context } = await open(browser);
  await addToCart(page);
  await orderAsGuest(page);
  await page.evaluate(() => { window.print = () => { window.printed = true; }; });
  await page.locator('[data-print]').click();
  assert.ok(await page.evaluate(() => window.printed));
  const plain = await open(browser, { options: { javaScriptEnabled: false, storageState: await context.storageState() } });
  await plain.page.goto(page.url());
  assert.equal(await plain.page.locator('[data-print]').isVisible(), false);
  await plain.context.close();
  await context.close();
});

test('fonts follow the first page and are there from the start of the next', async () => {
  const { page, context, complaints } = await open(browser);
  const preloads = page.locator('link[rel=preload][as=font]');
  await page.goto(BASE);
  assert.equal(await preloads.count(), 0, 'nothing waits for them');
  await page.waitForFunction(() => document.cookie.includes('souk-fonts=1'));
  assert.ok(await page.evaluate(() => [...document.fonts].filter(({ status }) => status === 'loaded').length >= 2));
  await page.goto(BASE);
  assert.equal(await preloads.count(), 2);
  assert.deepEqual(complaints, []);
  await context.close();
  const plain = await open(browser, { options: { javaScriptEnabled: false } });
  await Promise.all([plain.page.waitForResponse(/instrument-sans/), plain.page.goto(BASE)]);
  await plain.context.close();
});

test('on a phone the story of an order is folded, and opens without scripts', async () => {
  for (const javaScriptEnabled of [true, false]) {
    for (const [width, pixels] of Object.entries(WIDTHS)) {
      const { page, context } = await open(browser, { as: 'admin', options: { javaScriptEnabled, viewport: { width: pixels, height: 900 } } });
      await page.goto(`${BASE}/admin/orders?status=DELIVERED`);
      await page.goto(BASE + (await page.locator('tbody a[href^="/admin/orders/"]').first().getAttribute('href')));
      const entries = page.locator('details.fold table').first();
      const summary = page.locator('details.fold > summary').last();
      assert.equal(await summary.isVisible(), width === 'narrow');
      if (width === 'narrow') {
        assert.equal(await entries.isVisible(), false);
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        assert.ok(height < 4_000, `${height} px`);
        for (const name of ['Postings', 'Messages', 'Events']) await page.locator('details.fold > summary', { hasText: name }).click();
      }
      await entries.waitFor();
      await context.close();
    }
  }
});
