// Who has this ticket open: this tab says so every few seconds while somebody looks at it, and when they type.
import { $, csrf } from './app.js';
const place = $('[data-presence]'), EVERY = 20000, STILL = 6000;
let doing = '', still;

function say(what, keepalive = false) {
  doing = what;
  // Nobody has done anything: a page that renews itself must not keep an idle session alive.
  const headers = { 'X-CSRF-Token': csrf(), 'X-By-Itself': '1', Accept: 'application/json' };
  const body = new URLSearchParams({ _csrf: csrf(), doing: what });
  fetch(place.dataset.presence, { method: 'POST', headers, body, keepalive, credentials: 'same-origin' }).catch(() => {});
}
if (place) {
  const here = () => { if (document.visibilityState === 'visible') say(doing === 'typing' ? 'typing' : 'reading'); };
  here();
  setInterval(here, EVERY);
  document.addEventListener('visibilitychange', here);
  addEventListener('pageshow', e => e.persisted && here());
  addEventListener('pagehide', () => { clearTimeout(still); say('gone', true); });
  document.addEventListener('input', e => {
    if (!e.target.closest?.('form[data-composer]')) return;
    if (doing !== 'typing') say('typing');
    clearTimeout(still);
    still = setTimeout(() => say('reading'), STILL);
  });
}
