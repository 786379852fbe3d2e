// An article into what is being written: form[data-insert="#field"] asks for its text and puts it where the cursor is.
import { $, csrf } from './app.js';

function put(field, text) {
  const [from, to] = [field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length];
  const before = field.value.slice(0, from), gap = before && !before.endsWith('\n') ? '\n\n' : '';
  field.setRangeText(gap + text + '\n', from, to, 'end');
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.focus();
}
document.addEventListener('submit', async e => {
  const form = e.target.closest?.('form[data-insert]'), field = form && $(form.dataset.insert);
  if (!field) return;                                  // no composer here: the server puts it into the draft
  e.preventDefault();
  const body = new URLSearchParams(new FormData(form, e.submitter));
  const headers = { 'X-CSRF-Token': csrf(), Accept: 'application/json' };
  try {
    const response = await fetch(form.action, { method: 'POST', headers, body, credentials: 'same-origin' });
    if (response.ok) { put(field, (await response.json()).text); return; }
  } catch { /* offline: say so by the plain way */ }
  form.submit();
});
