// Small conveniences. Every page works without them.
'use strict';

// A list that applies at once needs no button.
for (const select of document.querySelectorAll('select[data-submit]')) {
  const button = select.form.querySelector('button');
  if (button) button.hidden = true;
  select.addEventListener('change', () => select.form.requestSubmit());
}

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
