// The technician's page: forms marked data-outbox are kept and sent by the outbox, drafts survive a reload, the
// pill in the header says what is sent, waiting or refused, and the day's pages are kept for no connection.
import { $, $$, morph, toast } from './app.js';
import * as outbox from './outbox.js';
import './photos.js';
import './signature.js';

const pill = $('#sync_state'), words = $('#field_words')?.dataset ?? {};
const draftKey = form => `${location.pathname}#${form.id || form.getAttribute('action')}`;

async function show() {
  const all = await outbox.entries(), refused = all.filter(e => e.state === 'refused').length, waiting = all.length - refused;
  const say = [];
  if (!navigator.onLine) say.push(pill.dataset.offline);
  if (waiting) say.push(pill.dataset.waiting.replace('%n', waiting));
  if (refused) say.push(pill.dataset.refused.replace('%n', refused));
  const clock = new Date().toLocaleTimeString('ko-KR', { hour: '2-digit', minute: '2-digit', hour12: false });
  pill.textContent = say.join(' · ') || `${pill.dataset.sent} ${clock}`;
  pill.dataset.tone = refused ? 'red' : waiting ? 'amber' : navigator.onLine ? 'green' : 'gray';
  pill.dataset.waitingCount = waiting;
  pill.dataset.refusedCount = refused;
  const warning = $('#outbox_refused');
  if (warning) warning.hidden = !refused;
}

async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const id of ['main', 'dock']) {
    const shown = document.getElementById(id), fresh = page.getElementById(id);
    if (shown && fresh) morph(shown, document.adoptNode(fresh));
  }
  await show();
}
async function flush() {
  let last = [];
  await outbox.flush(async sent => { if (sent) last = sent; await show(); });
  if (last.length) {
    document.dispatchEvent(new CustomEvent('outbox:sent', { detail: last }));
    const done = $('form[data-next][data-kept]');     // an offer that was answered has no page any more
    if (done && last.every(one => one === 'sent') && !(await outbox.entries()).length) location.assign(done.dataset.next);
    else await refresh();
  }
}

/* Where the phone is, to about ten metres: asked once, never waited for long. Who does not allow it has skipped it. */
const place = () => new Promise(tell => {
  if (!navigator.geolocation) { tell('no_signal'); return; }
  setTimeout(tell, 5000, 'skipped');                  // nobody answers whether we may know
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => tell(`${coords.latitude.toFixed(4)},${coords.longitude.toFixed(4)}`),
    error => tell(error.code === error.PERMISSION_DENIED ? 'skipped' : 'no_signal'), { timeout: 4000, maximumAge: 60000 });
});

async function keep(form, data) {
  const fields = [], files = [], at = new Date();
  if ('position' in form.dataset) {
    if (form.dataset.position) return;                // pressed again while the phone looks where it is
    form.dataset.position = 'asked';
    data.set('position', await place());
  }
  for (const [name, value] of data) {
    if (!(value instanceof File)) fields.push([name, value]);
    else if (value.size) files.push({ name, blob: value, filename: value.name });
  }
  const key = draftKey(form);
  await outbox.put(form.action, fields, files, form.dataset.each === undefined ? key : '', at);
  form.dataset.kept = '1';
  if (form.dataset.position) form.dataset.position = '';
  await show();
  if (!navigator.onLine) toast({ msg: words.kept, tone: 'amber' });
  else await flush();
}
document.addEventListener('submit', e => {
  const form = e.target;
  if (form.matches('[data-clears-phone]')) { navigator.serviceWorker?.controller?.postMessage('forget'); outbox.dropDrafts(); return; }
  if (!form.matches('form[data-outbox]')) return;
  e.preventDefault();
  e.stopImmediatePropagation();                       // the outbox sends it, not htmx
  if (!form.noValidate && !form.reportValidity()) return;
  keep(form, new FormData(form, e.submitter));
}, true);

/* data-each: every tick or photo of such a form is one entry of its own. */
function one(form, input) {
  const data = new FormData();
  for (const hidden of $$('input[type=hidden]', form)) data.append(hidden.name, hidden.value);
  if (input.type === 'file') {
    if (input.dataset.slot) data.append('slot', input.dataset.slot);
    for (const file of input.files) data.append(input.name, file);
  } else {
    data.append(input.name, input.value);
    if (input.type === 'checkbox') data.append('done', input.checked ? 'true' : 'false');
  }
  keep(form, data);
}
document.addEventListener('change', e => {
  const form = e.target.closest?.('form[data-outbox][data-each]');
  if (form && e.target.type !== 'file') one(form, e.target);
});
document.addEventListener('photos:ready', e => {
  const form = e.target.closest('form[data-outbox][data-each]');
  if (form) { one(form, e.target); e.target.value = ''; }
});

/* Drafts: what is ticked, typed and signed survives a reload without a connection. */
function state(form) {
  return $$('input:not([type=hidden]):not([type=file]),textarea,select', form)
    .map(i => [i.name, i.type === 'checkbox' || i.type === 'radio' ? i.value : null, i.checked ?? null, i.value]);
}
const saveDraft = form => outbox.keepDraft(draftKey(form), { inputs: state(form), strokes: $('[data-signature]', form)?.strokes });
document.addEventListener('input', e => { const form = e.target.closest?.('form[data-outbox]'); if (form) saveDraft(form); });
document.addEventListener('signature:changed', e => {
  const form = e.target.closest('form[data-outbox]');
  e.target.strokes = e.detail;
  if (form) saveDraft(form);
});
async function restore(form) {
  const saved = await outbox.draft(draftKey(form));
  if (!saved) return;
  for (const [name, choice, isChecked, value] of saved.inputs) {
    const inputs = $$(`[name="${CSS.escape(name)}"]`, form).filter(i => choice === null || i.value === choice);
    for (const input of inputs) if (choice === null) input.value = value; else input.checked = isChecked;
  }
  const box = $('[data-signature]', form);
  if (box && saved.strokes) { box.strokes = saved.strokes; box.restore?.(saved.strokes); }
}
/* Once everything is sent, ticks are the server's; their draft has done its work. */
document.addEventListener('outbox:sent', async () => {
  if ((await outbox.entries()).length) return;
  for (const form of $$('form[data-outbox][data-each]')) outbox.dropDraft(draftKey(form));
});

function progress() {
  for (const bar of $$('[data-progress-of]')) {
    const ticks = $$('input[type=checkbox]', $(bar.dataset.progressOf)), done = ticks.filter(t => t.checked).length;
    if (bar.matches('progress')) bar.value = done; else bar.textContent = `${done} / ${ticks.length}`;
  }
}
document.addEventListener('change', progress);

addEventListener('online', flush);
addEventListener('offline', show);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && flush());
setInterval(flush, 20000);
await Promise.all($$('form[data-outbox]').map(restore));
progress();
await show();
flush();

if ('serviceWorker' in navigator) {
  navigator.serviceWorker.register('/sw.js', { scope: '/' });
  navigator.serviceWorker.ready.then(worker => {
    const pages = [location.pathname, ...$$('a[data-offline]').map(a => a.pathname)];
    worker.active?.postMessage({ keep: [...new Set(pages)] });
  });
}
navigator.storage?.persist?.();
navigator.storage?.estimate?.().then(({ usage, quota }) => { if (usage / quota > 0.8) toast({ msg: words.full, tone: 'amber' }); });
document.documentElement.dataset.field = '1';
