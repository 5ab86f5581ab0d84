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
