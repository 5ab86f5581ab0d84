// Prints the scores of Lighthouse for the pages that strangers see first, on its throttled phone. Fails below what is promised.
import lighthouse from 'lighthouse';
import { BASE, SCREENS, launch, open, visit } from './site.mjs';

const PAGES = ['home', 'category', 'product', 'cart-empty'];
/** The least score of each category, in percent. */
const LEAST = { performance: 95, accessibility: 100, 'best-practices': 100, seo: 100 };
const PORT = 9_377;

const browser = await launch();
const addresses = [];
for (const name of PAGES) {
  const { page, context } = await open(browser);
  await visit(page, SCREENS.find((screen) => screen.name === name));
  addresses.push([name, page.url()]);
  await context.close();
}
await browser.close();

const measured = await launch([`--remote-debugging-port=${PORT}`]);
let failed = false;
for (const [name, url] of addresses) {
  const { lhr } = await lighthouse(url, { port: PORT, output: 'json', logLevel: 'error', onlyCategories: Object.keys(LEAST) });
  const scores = Object.entries(LEAST).map(([category, least]) => {
    const score = Math.round(lhr.categories[category].score * 100);
    const isGood = score >= least;
    failed ||= !isGood;
    return `${category} ${score}${isGood ? '' : ` (below ${least})`}`;
  });
  const metric = (id) => lhr.audits[id].displayValue;
  console.log(`${name.padEnd(12)} ${scores.join('  ')}  LCP ${metric('largest-contentful-paint')}  CLS ${metric('cumulative-layout-shift')}  bytes ${metric('total-byte-weight')}`);
  for (const category of Object.values(lhr.categories)) {
    for (const { id } of category.auditRefs.filter(({ weight }) => weight > 0)) {
      const { score, title } = lhr.audits[id];
      if (score !== null && score < 0.9) console.log(`  ${category.id}: ${title} (${id})`);
    }
  }
}
await measured.close();
process.exit(failed ? 1 : 0);
