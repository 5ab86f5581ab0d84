// Small conveniences. Every page works without them.
'use strict';

// A browser that comes for the first time shows the page with fonts of the system at once. The fonts of the shop follow when the page
// is there, and by a cookie the server knows that later pages may use them from the start.
const { fonts } = document.currentScript.dataset;
if (fonts) {
  addEventListener('load', () => setTimeout(() => {
    const sheet = document.createElement('link');
    sheet.rel = 'stylesheet';
    sheet.href = fonts;
    sheet.addEventListener('load', async () => {
      await Promise.all(['500 1em Fraunces', '1em "Instrument Sans"'].map((font) => document.fonts.load(font)));
      document.cookie = 'souk-fonts=1; path=/; max-age=31536000; samesite=lax';
    });
    document.head.append(sheet);
  }, 100));
}

// A list that applies at once needs no button. Whoever goes through it by the arrows of the keyboard gets the button.
for (const select of document.querySelectorAll('select[data-submit]')) {
  const button = select.form.querySelector('button');
  let byKeys = false;
  if (button) button.hidden = true;
  select.addEventListener('keydown', event => { if (event.key !== 'Enter' && event.key !== 'Tab') byKeys = true; });
  select.addEventListener('pointerdown', () => { byKeys = false; });
  select.addEventListener('change', () => {
    if (byKeys && button) button.hidden = false; else select.form.requestSubmit();
  });
}

// A button prints the page, as the menu of the browser does.
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}

// A page that shows work in progress looks again until it is done.
if (document.querySelector('[data-reload]')) setTimeout(() => location.reload(), 2000);

// A form that is being sent is not sent twice. The server takes it once in any case.
for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', () => {
    for (const button of form.querySelectorAll('button')) button.disabled = true;
  });
}
addEventListener('pageshow', () => {
  for (const button of document.querySelectorAll('form[data-once] button')) button.disabled = false;
});

// The token of a link in a mail stands in the fragment, which no server gets by itself.
for (const form of document.querySelectorAll('form[data-fragment]')) {
  const name = form.dataset.fragment;
  const value = new URLSearchParams(location.hash.slice(1)).get(name);
  if (value) {
    history.replaceState(null, '', location.pathname + location.search);
    form.elements[name].value = value;
    form.requestSubmit();
  }
}

// The page of an order follows the order. Without this it shows the present state whenever it is opened.
function follow() {
  const shown = document.querySelector('[data-live]');
  if (!shown || !window.EventSource) return;
  const source = new EventSource(shown.dataset.live);
  source.addEventListener('changed', async () => {
    source.close();
    const page = await fetch(location.pathname, { headers: { Accept: 'text/html' } });
    if (!page.ok) return;
    const fresh = new DOMParser().parseFromString(await page.text(), 'text/html').getElementById('live');
    // What is being typed is not thrown away.
    if (!fresh || shown.contains(document.activeElement)) { setTimeout(follow, 10000); return; }
    shown.replaceWith(fresh);
    follow();
  });
  addEventListener('pagehide', () => source.close(), { once: true });
}
follow();

// Suggestions below the field of the search (WAI-ARIA APG, combobox with a list).
for (const field of document.querySelectorAll('input[data-suggest]')) {
  const list = document.createElement('ul');
  list.id = field.id + '-list';
  list.className = 'suggestions';
  list.hidden = true;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', field.form.dataset.label);
  field.after(list);
  const set = (name, value) => field.setAttribute(name, value);
  set('role', 'combobox'); set('aria-autocomplete', 'list'); set('aria-controls', list.id); set('aria-expanded', 'false');
  let chosen = -1, timer, asked = 0;
  const close = () => { list.hidden = true; chosen = -1; set('aria-expanded', 'false'); field.removeAttribute('aria-activedescendant'); };
  const mark = at => {
    chosen = at;
    [...list.children].forEach((item, index) => item.setAttribute('aria-selected', index === at));
    if (at >= 0) set('aria-activedescendant', list.children[at].id); else field.removeAttribute('aria-activedescendant');
  };
  const take = at => { field.value = list.children[at].textContent; close(); field.form.requestSubmit(); };
  const ask = async () => {
    const text = field.value.trim(), turn = ++asked;
    if (text.length < 2) return close();
    const answer = await fetch(field.dataset.suggest + '?q=' + encodeURIComponent(text)).then(a => a.ok ? a.json() : { items: [] }, () => ({ items: [] }));
    if (turn !== asked || document.activeElement !== field) return;
    list.replaceChildren(...answer.items.slice(0, 8).map((item, index) => {
      const entry = document.createElement('li');
      entry.id = list.id + index;
      entry.setAttribute('role', 'option');
      entry.textContent = item.text;
      entry.addEventListener('mousedown', event => { event.preventDefault(); take(index); });
      return entry;
    }));
    mark(-1);
    list.hidden = !list.children.length;
    set('aria-expanded', String(!list.hidden));
  };
  field.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
  field.addEventListener('blur', () => { asked++; close(); });
  field.addEventListener('keydown', event => {
    if (list.hidden) return;
    const count = list.children.length;
    if (event.key === 'ArrowDown') mark((chosen + 2) % (count + 1) - 1);
    else if (event.key === 'ArrowUp') mark((chosen + 1 + count) % (count + 1) - 1);
    else if (event.key === 'Enter' && chosen >= 0) take(chosen);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
  });
}
