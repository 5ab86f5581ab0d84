// Every screen at both widths and in both themes: the axe engine finds nothing, nothing overflows, the browser complains about nothing.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { SCREENS, THEMES, WIDTHS, launch, logIn, open, visit } from './site.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** A folder for pictures of the screens, if they are wanted. */
const PICTURES = process.env.SOUK_SCREENSHOTS;
/** The names of the screens that are wanted; all when it is empty. */
const WANTED = (process.env.SOUK_SCREENS ?? '').split(' ').filter(Boolean);
const logins = {};
let browser;

before(async () => {
  browser = await launch();
  if (PICTURES) mkdirSync(PICTURES, { recursive: true });
});
after(() => browser.close());

/** The cookies of a persona, who logs in once. */
async function loginOf(persona) {
  if (!persona) return undefined;
  logins[persona] ??= open(browser).then(async ({ page, context }) => {
    await logIn(page, persona);
    const state = await context.storageState();
    await context.close();
    return state;
  });
  return logins[persona];
}

for (const screen of SCREENS.filter(({ name }) => !WANTED.length || WANTED.includes(name))) {
  test(screen.name, async () => {
    const { page, context, complaints } = await open(browser, { options: { storageState: await loginOf(screen.as) } });
    assert.equal(await visit(page, screen), screen.status ?? 200, `${screen.name}: ${page.url()}`);
    const url = page.url();
    for (const [width, pixels] of Object.entries(WIDTHS)) {
      for (const theme of THEMES) {
        const what = `${screen.name} ${width} ${theme}`;
        await page.setViewportSize({ width: pixels, height: 900 });
        await page.emulateMedia({ colorScheme: theme });
        assert.equal(page.url(), url);
        const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
        const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target).slice(0, 3).join(', ')}`);
        assert.deepEqual(found, [], what);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(overflow <= 0, `${what} is ${overflow} px too wide`);
        if (PICTURES) await page.screenshot({ path: `${PICTURES}/${screen.name}-${width}-${theme}.png`, fullPage: true });
      }
    }
    assert.deepEqual(complaints, [], screen.name);
    await context.close();
  });
}
