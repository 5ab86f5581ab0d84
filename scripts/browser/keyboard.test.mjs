// Journeys by the keyboard alone: every stop shows where the focus is, and everything that a pointer does is reached.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADDRESS, BASE, WIDTHS, addToCart, launch, logIn, open, orderAsGuest, until } from './site.mjs';

/** The stops of a page, at most. */
const STOPS = 250;
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Asserts that the focus can be seen: an outline of two pixels, in the window, under nothing else. */
async function showsFocus(page) {
  const stop = await page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    // A link that takes a whole card shows its outline around the card.
    const outlined = ['', '::after'].some((part) => {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(at, part);
      return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && outlineColor !== 'rgba(0, 0, 0, 0)';
    });
    const { left, right, top, bottom, width, height } = at.getBoundingClientRect();
    const seen = width > 0 && height > 0 && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
    const over = document.elementFromPoint((Math.max(left, 0) + Math.min(right, innerWidth)) / 2, (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2);
    const free = !over || at.contains(over) || over.contains(at);
    return { name: at.outerHTML.slice(0, 160), outlined, seen, free: free || `${over.outerHTML.slice(0, 120)}` };
  });
  if (!stop) return;
  const where = `${page.url()}: ${stop.name}`;
  assert.ok(stop.outlined, `no outline: ${where}`);
  assert.ok(stop.seen, `out of sight: ${where}`);
  assert.equal(stop.free, true, `covered: ${where}`);
}

/** Presses a key until something has the focus. */
async function reach(page, locator, key = 'Tab') {
  for (let stop = 0; stop < STOPS; stop += 1) {
    await page.keyboard.press(key);
    await showsFocus(page);
    if (await locator.evaluateAll((all) => all.includes(document.activeElement))) return;
  }
  assert.fail(`${page.url()}: ${locator} is not reached`);
}

/** Reaches something and presses Enter. */
async function enter(page, locator) {
  await reach(page, locator);
  await page.keyboard.press('Enter');
}

/** Reaches a field and types into it, in place of what it held. */
async function type(page, locator, text) {
  await reach(page, locator);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

/** Reaches a link or a button that leads to another page. */
async function follow(page, locator, to) {
  await Promise.all([page.waitForURL(to), enter(page, locator)]);
  await page.waitForLoadState('load');
}

for (const [width, pixels] of Object.entries(WIDTHS)) {
  test(`a guest finds, filters, buys and cancels by the keyboard alone: ${width}`, async () => {
    const { page, context, complaints } = await open(browser, { options: { viewport: { width: pixels, height: 900 } } });
    await page.goto(`${BASE}/`);
    // The first stop leads past the head of the page.
    await page.keyboard.press('Tab');
    await showsFocus(page);
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'content');
    await reach(page, page.locator('main a').first());
    await page.goto(`${BASE}/`);
    await reach(page, page.locator('.top-links a[href="/cart"]'));

    // The search, with a suggestion chosen by arrows.
    await page.goto(`${BASE}/`);
    await type(page, page.locator('#q'), 'chai');
    await page.locator('.suggestions li').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await Promise.all([page.waitForURL(/\/search\?q=/), page.keyboard.press('Enter')]);
    await page.goto(`${BASE}/search?q=chair`);

    // Filters: on a phone they are folded.
    const summary = page.locator('.facets summary');
    if (await summary.isVisible()) await enter(page, summary);
    await follow(page, page.locator('.facets li a').first(), /\/search\?q=chair&/);
    await follow(page, page.locator('ul.chips a.chip.on').first(), /\/search\?q=chair$/);
    // Arrows in the list of orders choose, and leave the page where it is until it is asked for.
    await reach(page, page.locator('#sort'));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.waitForTimeout(300);
    assert.match(page.url(), /q=chair$/);
    await follow(page, page.locator('.sorting button'), /sort=/);

    await page.goto(`${BASE}/search?q=chair`);
    await follow(page, page.locator('.card a'), /\/products\//);
    await reach(page, page.locator('#quantity'));
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.inputValue('#quantity'), '2');
    await enter(page, page.getByRole('button', { name: 'Add to cart' }));
    await page.getByRole('status').waitFor();
    await page.goto(`${BASE}/cart`);
    await follow(page, page.getByRole('link', { name: 'Go to checkout' }), /\/checkout$/);

    const field = (name) => page.locator(`[name=${name}]`);
    await type(page, field('email'), `keys-${crypto.randomUUID()}@guests.example`);
    await type(page, field('name'), 'Grace');
    for (const [name, value] of Object.entries(ADDRESS)) await type(page, field(name), value);
    await reach(page, field('country'));
    // The payments are one stop, within which arrows choose.
    await reach(page, field('paymentMethod'));
    await page.keyboard.press('ArrowDown');
    await showsFocus(page);
    await page.keyboard.press('ArrowUp');
    assert.equal(await page.locator('[name=paymentMethod]:checked').inputValue(), 'pm_ok');
    await follow(page, page.getByRole('button', { name: 'Order and pay' }), /\/orders\/[0-9a-f-]+$/);
    await until(page, 'Confirmed', true);
    await enter(page, page.locator('summary', { hasText: 'Cancel the order' }));
    await enter(page, page.getByRole('button', { name: 'Cancel the order' }));
    await until(page, 'Cancelled', true);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test(`a seller ships and an administrator acts on rows by the keyboard alone: ${width}`, async () => {
    const options = { viewport: { width: pixels, height: 900 } };
    const guest = await open(browser, { options });
    await addToCart(guest.page);
    const number = await orderAsGuest(guest.page);
    await addToCart(guest.page);
    const other = await orderAsGuest(guest.page);

    const { page, context, complaints } = await open(browser, { options });
    await page.goto(`${BASE}/login?next=/seller`);
    await type(page, page.locator('[name=email]'), 'home@souk.example');
    await type(page, page.locator('[name=password]'), 'demo-seller-1');
    await follow(page, page.locator('main').getByRole('button', { name: 'Log in' }), (url) => url.pathname === '/seller');
    await follow(page, page.locator('#places a[href="/seller/fulfilments"]'), /\/seller\/fulfilments/);
    const sale = page.getByRole('link', { name: number, exact: false });
    for (let turn = 0; turn < 50 && !(await sale.count()); turn += 1) {
      await page.waitForTimeout(200);
      await page.goto(`${BASE}/seller/fulfilments?status=CONFIRMED`);
    }
    await follow(page, sale, /\/seller\/fulfilments\/[0-9a-f-]+$/);
    await type(page, page.locator('[name=carrier]'), 'Own van');
    await type(page, page.locator('[name=trackingNumber]'), 'VAN-8');
    await enter(page, page.getByRole('button', { name: 'Mark as shipped' }));
    await page.getByText('The parcel is marked as shipped.').waitFor();

    const admin = await open(browser, { options });
    await logIn(admin.page, 'admin');
    const board = admin.page;
    await board.goto(`${BASE}/admin/orders`);
    await follow(board, board.getByRole('link', { name: 'Total' }), /sort=-totalAmount/);
    await board.locator('th[aria-sort="descending"]', { hasText: 'Total' }).waitFor({ state: 'attached' });
    await board.goto(`${BASE}/admin/orders`);
    await type(board, board.locator('#filter-orderNumber'), other);
    await Promise.all([board.waitForURL(/orderNumber=/), board.keyboard.press('Enter')]);
    const box = board.locator('tbody input[type=checkbox]');
    await reach(board, box);
    await board.keyboard.press('Space');
    assert.ok(await box.isChecked());
    await enter(board, board.locator('.bulk button').first());
    await board.getByRole('status').waitFor();
    await until(guest.page, 'Cancelled', true);
    for (const one of [guest.complaints, complaints, admin.complaints]) assert.deepEqual(one, []);
    for (const one of [guest.context, context, admin.context]) await one.close();
  });
}
