// Writing: Ctrl+Enter sends; the draft is kept on the server two seconds after the last key (form[data-draft]).
import { $, csrf } from './app.js';
const timers = new WeakMap();

async function keep(form) {
  const text = $('textarea', form), state = $('[data-draft-state]', form);
  const body = new URLSearchParams({ _csrf: csrf(), body: text.value, kind: new FormData(form).get('kind') ?? '' });
  const headers = { 'X-CSRF-Token': csrf(), Accept: 'application/json' };
  try {
    const response = await fetch(form.dataset.draft, { method: 'POST', headers, body, credentials: 'same-origin' });
    if (state && response.ok) state.textContent = state.dataset.kept;
  } catch { if (state) state.textContent = ''; }      // offline: the text is still in the field
}
document.addEventListener('input', e => {
  const form = e.target.closest?.('form[data-draft]');
  if (!form) return;
  const state = $('[data-draft-state]', form);
  if (state) state.textContent = '';
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => form.isConnected && keep(form), 2000));
});
document.addEventListener('submit', e => clearTimeout(timers.get(e.target)), true);
document.addEventListener('keydown', e => {
  if (e.isComposing || !(e.ctrlKey || e.metaKey) || e.code !== 'Enter') return;
  const form = e.target.closest?.('form[data-composer]');
  if (form) { e.preventDefault(); form.requestSubmit($('.primary', form)); }
});
