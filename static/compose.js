// Writing: Ctrl+Enter sends. What is typed is kept on the server every two seconds, and at once when it is pasted or left
// (form[data-draft]); sending stops that, so that no late draft comes back after the text has left.
import { $, $$, csrf } from './app.js';
const EVERY = 2000, kept = new WeakMap();

function of(form) {
  if (!kept.has(form)) kept.set(form, { timer: 0, isDirty: false, isGone: false, saving: null });
  return kept.get(form);
}
async function keep(form, isLast = false) {
  const state = of(form), text = $('textarea', form), shown = $('[data-draft-state]', form);
  clearTimeout(state.timer);
  state.timer = 0;
  if (!state.isDirty || state.isGone || (state.saving && !isLast) || !form.isConnected) return;
  state.isDirty = false;
  const body = new URLSearchParams({ _csrf: csrf(), body: text.value, kind: new FormData(form).get('kind') ?? '' });
  const headers = { 'X-CSRF-Token': csrf(), Accept: 'application/json' };
  state.saving = new AbortController();
  try {
    const response = await fetch(form.dataset.draft, { method: 'POST', headers, body, credentials: 'same-origin', keepalive: isLast, signal: state.saving.signal });
    if (!response.ok) throw new Error(response.status);
    const stamp = $('[data-draft-stamp]', form);
    if (stamp) stamp.value = (await response.json()).stamp ?? '';
    if (shown && !state.isDirty) shown.textContent = shown.dataset.kept;
  } catch {
    if (!state.isGone) state.isDirty = true;            // offline: the text is still in the field, and is tried again
    if (shown) shown.textContent = '';
  }
  state.saving = null;
  if (state.isDirty && !state.isGone) soon(form);
}
function soon(form) {
  const state = of(form);
  state.timer ||= setTimeout(() => keep(form), EVERY);
}
function changed(form, isNow = false) {
  const state = of(form), shown = $('[data-draft-state]', form);
  state.isDirty = true;
  state.isGone = false;
  if (shown) shown.textContent = '';
  if (isNow) setTimeout(() => keep(form)); else soon(form);
  count(form);
}
function stop(form) {
  const state = of(form);
  clearTimeout(state.timer);
  state.timer = 0;
  state.isGone = true;
  state.saving?.abort();
}

/* How many short messages a text becomes: one byte for ASCII, two for all else, 90 bytes each. */
export function bytes(text) { return [...text.trim().replace(/\s+/g, ' ')].reduce((sum, letter) => sum + (letter.codePointAt(0) < 128 ? 1 : 2), 0); }
function count(form) {
  const shown = $('[data-sms]', form), way = $('[data-way]', form);
  if (!shown || !way) return;
  const size = bytes($('textarea', form).value);
  shown.hidden = way.value !== 'sms' || new FormData(form).get('kind') === 'note';
  shown.textContent = shown.dataset.sms.replace('{bytes}', size).replace('{parts}', Math.ceil(size / 90));
}

const formOf = e => e.target.closest?.('form[data-draft]');
document.addEventListener('input', e => { const form = formOf(e); if (form && !e.target.matches('[type=file]')) changed(form); });
document.addEventListener('paste', e => { const form = formOf(e); if (form) changed(form, true); });
document.addEventListener('focusout', e => { const form = formOf(e); if (form && e.target.matches('textarea')) keep(form); });
document.addEventListener('change', e => {
  const form = formOf(e);
  if (!form) return;
  if (e.target.matches('[type=file]')) {
    const shown = $(`[data-count-of="${e.target.name}"]`, form), n = e.target.files.length;
    if (shown) shown.textContent = n ? e.target.dataset.chosenCount.replace('{n}', n) : '';
  } else count(form);
});
document.addEventListener('submit', e => { if (e.target.matches('form[data-draft]')) stop(e.target); }, true);
// What was not taken goes on being a draft.
document.addEventListener('htmx:afterRequest', e => { const form = e.target.closest?.('form[data-draft]'); if (form && !e.detail.successful && form.isConnected) changed(form); });
// What was taken back is written on: there, or in its sheet.
document.addEventListener('htmx:afterRequest', e => {
  if (e.detail.successful && e.detail.pathInfo?.requestPath.endsWith('/undo')) setTimeout(() => ($('#ticket_head details[open] textarea') ?? $('#reply'))?.focus());
});
addEventListener('pagehide', () => $$('form[data-draft]').forEach(form => keep(form, true)));
document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && $$('form[data-draft]').forEach(form => keep(form, true)));
document.addEventListener('keydown', e => {
  if (e.isComposing || !(e.ctrlKey || e.metaKey) || e.code !== 'Enter') return;
  const form = e.target.closest?.('form[data-composer]');
  if (form) { e.preventDefault(); form.requestSubmit($('.primary', form)); }
});
