// A chat: the newest words stay in sight, and the other side hears that somebody types, at most every three seconds.
import { $, csrf } from './app.js';

let told = 0;
document.addEventListener('input', e => {
  const form = e.target.closest?.('form[data-typing]');
  if (!form || Date.now() - told < 3000) return;
  told = Date.now();
  const headers = { 'X-CSRF-Token': csrf(), Accept: 'application/json' };
  fetch(form.dataset.typing, { method: 'POST', headers, body: new URLSearchParams(), credentials: 'same-origin' }).catch(() => {});
});
document.addEventListener('keydown', e => {
  const form = e.target.closest?.('form[data-typing]');
  if (!form || e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
  e.preventDefault();
  form.requestSubmit();
});
const last = () => $('#chat_log > :last-child')?.scrollIntoView({ block: 'nearest' });
let seen = $('#chat_log')?.childElementCount ?? 0;
document.addEventListener('htmx:afterSettle', () => {
  const now = $('#chat_log')?.childElementCount ?? 0;
  if (now > seen) last();
  seen = now;
});
last();
