// Small conveniences of the dashboards. Every page works without them.
'use strict';

// One box chooses all rows.
for (const head of document.querySelectorAll('th.choice-cell')) {
  const boxes = [...head.closest('table').querySelectorAll('tbody .choice-cell input[type=checkbox]')];
  if (!boxes.length) continue;
  const all = document.createElement('input');
  all.type = 'checkbox';
  const label = document.createElement('label');
  label.className = 'choice-box';
  label.append(all, ...head.childNodes);
  head.append(label);
  all.addEventListener('change', () => boxes.forEach((box) => { box.checked = all.checked; }));
}

// Ctrl-K opens a list of all places that typing narrows.
const places = document.getElementById('places');
if (places) {
  const dialog = document.createElement('dialog');
  dialog.className = 'palette';
  dialog.setAttribute('aria-label', places.dataset.palette);
  const field = document.createElement('input');
  field.type = 'search';
  field.setAttribute('aria-label', places.dataset.palette);
  field.placeholder = places.dataset.palette;
  const list = document.createElement('ul');
  const links = [...places.querySelectorAll('a')].map((link) => {
    const item = document.createElement('li');
    const copy = link.cloneNode(true);
    copy.removeAttribute('aria-current');
    item.append(copy);
    list.append(item);
    return copy;
  });
  dialog.append(field, list);
  document.body.append(dialog);
  // Whoever sees all orders opens one by its number.
  const orders = places.querySelector('a[href="/admin/orders"]');
  if (orders) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    item.append(link);
    item.hidden = true;
    list.prepend(item);
    links.unshift(link);
    field.addEventListener('input', () => {
      const number = field.value.trim().toUpperCase();
      link.dataset.number = /^[0-9A-Z]{5}-?[0-9A-Z]{5}$/.test(number) ? number : '';
      link.href = `${orders.getAttribute('href')}/${link.dataset.number}`;
      link.textContent = `${orders.textContent} ${link.dataset.number}`;
    });
  }
  const shown = () => links.filter((link) => !link.parentElement.hidden);
  field.addEventListener('input', () => {
    const typed = field.value.trim().toLowerCase();
    for (const link of links) {
      link.parentElement.hidden = link.dataset.number === undefined ? !link.textContent.toLowerCase().includes(typed) : !link.dataset.number;
    }
  });
  dialog.addEventListener('keydown', (event) => {
    const open = shown();
    const at = open.indexOf(document.activeElement);
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const to = at + (event.key === 'ArrowDown' ? 1 : -1);
      (open[to] || field).focus();
    } else if (event.key === 'Escape') {
      // In a field of a search the key would only clear what was typed.
      event.preventDefault();
      dialog.close();
    } else if (event.key === 'Enter' && at < 0 && open[0]) {
      event.preventDefault();
      open[0].click();
    }
  });
  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      if (dialog.open) return dialog.close();
      field.value = '';
      field.dispatchEvent(new Event('input'));
      dialog.showModal();
      field.focus();
    }
  });
}
