// The browser and the site under test: personas of the demo, their screens, and pages opened as one of them.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

/** The address of the running demo. */
export const BASE = process.env.SOUK_URL ?? 'http://127.0.0.1:8080';
export const WIDTHS = { wide: 1280, narrow: 360 };
export const THEMES = ['light', 'dark'];

/** Accounts of the demo. */
const PERSONAS = {
  customer: ['customer@souk.example', 'demo-customer-1'],
  returning: ['jonas@souk.example', 'demo-customer-3'],
  receiving: ['photo@souk.example', 'demo-seller-1'],
  seller: ['home@souk.example', 'demo-seller-1'],
  admin: ['admin@souk.example', 'demo-admin-1'],
};

/**
 * Every screen: its name, who sees it, and where it is. `follow` names links that are followed from there, one after the other, for
 * addresses with an identifier. `prepare` does what must stand before, in the same browser, and may return another path.
 */
export const SCREENS = [
  { name: 'home', path: '/' },
  { name: 'home-seen', path: '/', prepare: addToCart },
  { name: 'search', path: '/search?q=chair' },
  { name: 'search-nothing-found', path: '/search?q=zzzzqqqq' },
  { name: 'product', path: '/search?q=chair', follow: ['.card a'] },
  { name: 'seller-shop', path: '/search?q=chair', follow: ['.card a', 'a[href^="/sellers/"]'] },
  { name: 'cart-empty', path: '/cart' },
  { name: 'cart', path: '/cart', prepare: addToCart },
  { name: 'checkout', path: '/checkout', prepare: addToCart },
  { name: 'login', path: '/login' },
  { name: 'register', path: '/register' },
  { name: 'not-found', path: '/no-such-page', status: 404 },
  { name: 'account-orders', as: 'customer', path: '/account/orders' },
  { name: 'account-order', as: 'customer', path: '/account/orders', follow: ['main a[href^="/account/orders/"]'] },
  { name: 'account-return', as: 'returning', path: '/account/orders', follow: ['main a[href^="/account/orders/"]', 'a[href*="/returns/"]'] },
  { name: 'selling', as: 'seller', path: '/seller' },
  { name: 'selling-products', as: 'seller', path: '/seller/products' },
  { name: 'selling-products-none', as: 'seller', path: '/seller/products?q=zzzzqqqq' },
  { name: 'selling-product-new', as: 'seller', path: '/seller/products/new' },
  { name: 'selling-fulfilments', as: 'seller', path: '/seller/fulfilments' },
  { name: 'selling-returns', as: 'seller', path: '/seller/returns' },
  { name: 'selling-reviews', as: 'seller', path: '/seller/reviews' },
  { name: 'selling-sales', as: 'seller', path: '/seller/sales' },
  { name: 'selling-balance', as: 'seller', path: '/seller/balance' },
  { name: 'selling-statements', as: 'seller', path: '/seller/statements' },
  { name: 'selling-payouts', as: 'seller', path: '/seller/payouts' },
  { name: 'selling-payout', as: 'seller', path: '/seller/payouts', follow: ['tbody a[href^="/seller/payouts/"]'] },
  { name: 'selling-promotions', as: 'seller', path: '/seller/promotions' },
  { name: 'selling-promotion-new', as: 'seller', path: '/seller/promotions/new' },
  { name: 'selling-profile', as: 'seller', path: '/seller/profile' },
  { name: 'selling-files', as: 'seller', path: '/seller/files' },
  { name: 'selling-import', as: 'seller', path: '/seller/files', prepare: importRows },
  { name: 'selling-product', as: 'seller', path: '/seller/products', follow: ['tbody a[href^="/seller/products/"]'] },
  { name: 'selling-fulfilment', as: 'seller', path: '/seller/fulfilments', follow: ['tbody a[href^="/seller/fulfilments/"]'] },
  { name: 'selling-slip', as: 'seller', path: '/seller/fulfilments', follow: ['tbody a[href^="/seller/fulfilments/"]', 'a[href$="/slip"]'] },
  { name: 'selling-return', as: 'receiving', path: '/seller/returns', follow: ['tbody a[href^="/seller/returns/"]'] },
  { name: 'selling-application', as: 'customer', path: '/seller' },
  { name: 'customer-checkout', as: 'customer', path: '/checkout', prepare: addToCart },
  { name: 'category', path: '/', follow: ['nav.chips a[href^="/categories/"]'] },
  { name: 'forgot-password', path: '/password/forgot' },
  { name: 'reset-password', path: '/password/reset?token=x' },
  { name: 'verify-email', path: '/email/verify' },
  { name: 'order-token', path: '/orders/01890a5d-ac96-7000-8000-0000000000aa' },
  { name: 'account', as: 'customer', path: '/account' },
  { name: 'account-addresses', as: 'customer', path: '/account/addresses' },
  { name: 'account-address', as: 'customer', path: '/account/addresses/new' },
  { name: 'account-reviews', as: 'customer', path: '/account/reviews' },
  { name: 'account-wishlist', as: 'customer', path: '/account/wishlist' },
  { name: 'account-notifications', as: 'customer', path: '/account/notifications' },
  { name: 'account-preferences', as: 'customer', path: '/account/preferences' },
  { name: 'account-sessions', as: 'customer', path: '/account/sessions' },
  { name: 'account-profile', as: 'customer', path: '/account/profile' },
  { name: 'account-data', as: 'customer', path: '/account/data' },
  { name: 'admin', as: 'admin', path: '/admin' },
  { name: 'admin-orders', as: 'admin', path: '/admin/orders' },
  { name: 'admin-parcels', as: 'admin', path: '/admin/parcels' },
  { name: 'admin-returns', as: 'admin', path: '/admin/returns' },
  { name: 'admin-products', as: 'admin', path: '/admin/products' },
  { name: 'admin-stock', as: 'admin', path: '/admin/stock' },
  { name: 'admin-reviews', as: 'admin', path: '/admin/reviews' },
  { name: 'admin-sellers', as: 'admin', path: '/admin/sellers' },
  { name: 'admin-users', as: 'admin', path: '/admin/users' },
  { name: 'admin-promotions', as: 'admin', path: '/admin/promotions' },
  { name: 'admin-promotions-new', as: 'admin', path: '/admin/promotions/new' },
  { name: 'admin-taxes', as: 'admin', path: '/admin/taxes' },
  { name: 'admin-commissions', as: 'admin', path: '/admin/commissions' },
  { name: 'admin-ledger', as: 'admin', path: '/admin/ledger' },
  { name: 'admin-ledger-check', as: 'admin', path: '/admin/ledger/check' },
  { name: 'admin-payouts', as: 'admin', path: '/admin/payouts' },
  { name: 'admin-notifications', as: 'admin', path: '/admin/notifications' },
  { name: 'admin-webhooks', as: 'admin', path: '/admin/webhooks' },
  { name: 'admin-events', as: 'admin', path: '/admin/events' },
  { name: 'admin-audit', as: 'admin', path: '/admin/audit' },
  { name: 'admin-audit-check', as: 'admin', path: '/admin/audit/check' },
  { name: 'admin-system', as: 'admin', path: '/admin/system' },
  { name: 'admin-keys', as: 'admin', path: '/admin/keys' },
  { name: 'selling-webhooks', as: 'seller', path: '/seller/webhooks' },
  { name: 'selling-webhook', as: 'seller', path: '/seller/webhooks', prepare: addEndpoint, follow: ['tbody a[href^="/seller/webhooks/"]'] },
  { name: 'selling-keys', as: 'seller', path: '/seller/keys' },
  { name: 'admin-demo', as: 'admin', path: '/admin/demo' },
  { name: 'admin-order', as: 'admin', path: '/admin/orders', follow: ['tbody a[href^="/admin/orders/"]'] },
  { name: 'admin-refund', as: 'admin', path: '/admin/orders?status=DELIVERED', follow: ['tbody a[href^="/admin/orders/"]', 'a[href$="/refund"]'] },
  { name: 'admin-product', as: 'admin', path: '/admin/products', follow: ['tbody a[href^="/admin/products/"]'] },
  { name: 'admin-review', as: 'admin', path: '/admin/reviews', follow: ['tbody a[href^="/admin/reviews/"]'] },
  { name: 'admin-seller', as: 'admin', path: '/admin/sellers', follow: ['tbody a[href^="/admin/sellers/"]'] },
  { name: 'admin-user', as: 'admin', path: '/admin/users', follow: ['tbody a[href^="/admin/users/"]'] },
  { name: 'admin-return', as: 'admin', path: '/admin/returns', follow: ['tbody a[href^="/admin/returns/"]'] },
  { name: 'admin-promotion', as: 'admin', path: '/admin/promotions', follow: ['tbody a[href^="/admin/promotions/"]'] },
  { name: 'admin-stock-item', as: 'admin', path: '/admin/stock', follow: ['tbody a[href^="/admin/stock/"]'] },
  { name: 'admin-notification', as: 'admin', path: '/admin/notifications', follow: ['tbody a[href^="/admin/notifications/"]'] },
];

export async function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--hide-scrollbars', ...more,
    ],
  });
}

/** Puts a chair into the cart of the visitor. */
export async function addToCart(page) {
  await page.goto(`${BASE}/search?q=chair`);
  await page.locator('.card a').first().click();
  await page.getByRole('button', { name: 'Add to cart' }).click();
}

/** An address that parcels go to. */
export const ADDRESS = { street: 'Invalidenstraße', number: '1', zip: '10115', city: 'Berlin' };

export async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
}

/**
 * Waits until a page shows a text: what happens to an order happens in the background. With scripts the page moves by itself; without
 * them it is opened again.
 */
export async function until(page, text, javaScriptEnabled) {
  const shown = page.getByText(text).first();
  if (javaScriptEnabled) return shown.waitFor();
  for (let turn = 0; turn < 100; turn += 1) {
    if (await shown.isVisible()) return undefined;
    await page.waitForTimeout(100);
    await page.goto(page.url());
  }
  return assert.fail(`${page.url()} does not show “${text}”`);
}

/** Orders what is in the cart as a guest, and returns the number of the order. */
export async function orderAsGuest(page) {
  await page.goto(`${BASE}/checkout`);
  await fill(page, { email: `guest-${crypto.randomUUID()}@guests.example`, name: 'Grace', ...ADDRESS });
  await page.getByRole('button', { name: 'Order and pay' }).click();
  await page.waitForURL(/\/orders\/[0-9a-f-]+$/);
  await until(page, 'Confirmed', true);
  return (await page.locator('h1').textContent()).replace('Order', '').trim();
}

/** Adds a webhook endpoint of the seller, unless there is one. */
async function addEndpoint(page) {
  await page.goto(`${BASE}/seller/webhooks`);
  if (await page.locator('tbody a[href^="/seller/webhooks/"]').count()) return;
  await page.fill('[name=url]', 'https://receiver.example/hook');
  await page.check('[value=FulfilmentConfirmed]');
  await page.getByRole('button', { name: 'Create' }).click();
}

/** Checks a file whose rows have errors, and returns the path of its report. */
async function importRows(page) {
  await page.goto(`${BASE}/seller/files`);
  const rows = ['sku,title,priceAmount,currency,status', 'A,Lamp,1.5,EUR,DRAFT', 'LAMP-1,,100,euro,GONE', 'LAMP-2,Lamp'];
  await page.setInputFiles('#file', { name: 'rows.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')) });
  await page.locator('main').getByRole('button', { name: 'Import' }).click();
  await page.waitForURL(/\/seller\/files\/[0-9a-f-]+$/);
  const path = new URL(page.url()).pathname;
  for (let turn = 0; turn < 100 && !(await page.locator('tbody tr').count()); turn += 1) {
    await page.waitForTimeout(100);
    await page.goto(BASE + path);
  }
  return path;
}

export async function logIn(page, persona) {
  const [email, password] = PERSONAS[persona];
  await page.goto(`${BASE}/login`);
  await page.fill('[name=email]', email);
  await page.fill('[name=password]', password);
  await page.locator('main').getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
}

/** Opens a page of its own for a persona, or for a stranger, and collects what the browser complains about in `complaints`. */
export async function open(browser, { as, options = {} } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on('console', (message) => {
    // A browser reports every page that is answered with an error; the status is checked where it matters.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  if (as) await logIn(page, as);
  return { page, context, complaints };
}

/** Opens a screen and returns the status of its last page. */
export async function visit(page, screen) {
  const prepared = await screen.prepare?.(page);
  let answer = await page.goto(BASE + (prepared ?? screen.path));
  for (const link of screen.follow ?? []) {
    const to = await page.locator(link).first().getAttribute('href');
    answer = await page.goto(new URL(to, page.url()).href);
  }
  return answer.status();
}
