// The agents' own keys: rows that are selected, notes, the next step, copying a number, send and next. Bound to
// physical keys through keys.js, so that a Korean keyboard left on 한글 does the same.
import { $, $$, toast } from './app.js';
import { own } from './keys.js';

/* Selecting rows: x, shift x, click, shift click, all of the page. */
const boxes = () => $$('[data-select]');
let last;
function count() {
  const chosen = boxes().filter(box => box.checked).length, all = $('[data-select-all]');
  for (const place of $$('[data-selected-count]')) place.textContent = chosen;
  if (all) { all.checked = chosen > 0 && chosen === boxes().length; all.indeterminate = chosen > 0 && !all.checked; }
}
function choose(box, isOn) {
  if (box.checked === isOn) return;
  box.checked = isOn;
  box.dispatchEvent(new Event('change', { bubbles: true }));
}
function range(to, isOn) {
  const all = boxes(), [from, until] = [all.indexOf(last), all.indexOf(to)].sort((a, b) => a - b);
  if (from < 0) choose(to, isOn); else for (const box of all.slice(from, until + 1)) choose(box, isOn);
  last = to;
}
const focused = () => $('[data-select]', document.activeElement?.closest?.('tr') ?? document.createElement('i'));
own.set('KeyX', e => {
  const box = focused();
  if (!box) return false;
  if (e.shiftKey) range(box, true); else { choose(box, !box.checked); last = box; }
  return true;
});
document.addEventListener('click', e => {
  const box = e.target.closest?.('[data-select]');
  if (box && e.shiftKey && last && last.isConnected) range(box, box.checked); else if (box) last = box;
  if (e.target.closest?.('[data-select-none]')) none();
  if (e.target.closest?.('[data-close-batch]')) e.target.closest('.batch').remove();
});
document.addEventListener('change', e => {
  if (e.target.matches?.('[data-select-all]')) for (const box of boxes()) choose(box, e.target.checked);
  if (e.target.matches?.('[data-select],[data-select-all]')) count();
});
document.addEventListener('htmx:afterSettle', count);
function none() { for (const box of boxes()) choose(box, false); }
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (!detail.successful || detail.elt.id !== 'bulk_form' || detail.requestConfig?.verb !== 'post') return;
  for (const menu of $$('details[open]', detail.elt)) menu.open = false;
  for (const field of $$('textarea', detail.elt)) field.value = '';
  const once = $('[name=command_id]', detail.elt);     // the next act is another one
  if (once) once.value = crypto.randomUUID().replaceAll('-', '');
  none();
});

document.addEventListener('toggle', e => {
  if (e.target.open && e.target.closest?.('#bulk_form')) $('select,textarea', e.target)?.focus();
}, true);

/* One ticket. */
const ticket = $('.tk[data-number]');
function write(kind) {
  const choice = $(`#composer [name=kind][value=${kind}]`), field = $('#reply');
  if (!field) return false;
  if (choice && !choice.checked) choice.click();
  field.focus();
  return true;
}
function reach(target) {
  if (!target) return false;
  if (!target.matches('a,button,summary,[tabindex]')) target.tabIndex = -1;
  target.focus();
  target.scrollIntoView({ block: 'nearest' });
  return true;
}
function open(id, field) {
  const menu = $(id), summary = menu && $('summary[data-shortcut]', menu);
  if (!summary) return false;
  menu.open = true;
  (field && $(field, menu) || $('select,textarea,button', menu))?.focus();
  return true;
}
if (ticket) {
  own.set('KeyN', () => write('note'));
  own.set('KeyR', () => write('reply'));
  own.set('KeyA', () => open('#do_assign'));
  own.set('KeyT', () => open('#do_sort', '[name=team_id]'));
  own.set('KeyP', () => open('#do_sort', '[name=priority]'));
  own.set('KeyV', () => open('#do_dispatch'));
  own.set('KeyE', () => open('#do_resolve'));
  own.set('KeyS', () => reach($('.wait .acts :is(a,button)')) || open('#do_resolve') || open('#do_dispatch'));
  own.set('KeyW', () => reach($('.wait')));
  own.set('G H', () => reach($('#timeline')));
  own.set('G C', () => reach($('#beside')));
  own.set('G W', () => { const visit = $('a[href^="/field-service/visits/"]'); visit?.click(); return Boolean(visit); });
}

/* . the number · .. with the subject · ... with the address */
let dots = 0, pausing;
own.set('Period', () => {
  const row = document.activeElement?.closest?.('tr[id^=row_]'), link = row && $('[data-row]', row);
  const number = ticket?.dataset.number ?? row?.id.slice(4), subject = ticket?.dataset.subject ?? link?.textContent;
  if (!number) return false;
  dots = Math.min(dots + 1, 3);
  clearTimeout(pausing);
  pausing = setTimeout(() => {
    const text = [number, `${number} ${subject}`, `${number} ${subject} ${location.origin}/tickets/${number}`][dots - 1];
    dots = 0;
    copy(text);
  }, 350);
  return true;
});
async function copy(text) {
  try { await navigator.clipboard.writeText(text); } catch {
    const field = document.createElement('textarea');   // no clipboard without a safe connection
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  toast({ msg: text });
}

/* Send and next: Ctrl Shift Enter. The queue at the left says which is next. */
let leaving;
const following = () => {
  const rows = $$('.qlist [data-row]'), here = rows.findIndex(row => row.matches('[aria-current]'));
  return rows[here + 1]?.href ?? ticket?.dataset.queue;
};
document.addEventListener('keydown', e => {
  if (e.isComposing || !e.shiftKey || !(e.ctrlKey || e.metaKey) || e.code !== 'Enter') return;
  leaving = e.target.closest?.('form[data-composer]');
}, true);
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (!leaving || !detail.elt.matches?.('form[data-composer]')) return;
  const to = detail.successful ? following() : '';
  leaving = undefined;
  if (to) location.href = to;
});

/* Escape: out of the field, then nothing selected, then back to the queue. Open menus and dialogs come first. */
document.addEventListener('keydown', e => {
  if (e.code !== 'Escape' || e.isComposing || $('dialog[open],details.menu[open]')) return;
  const field = e.target.closest?.('textarea,input:not([type=checkbox]):not([type=radio]),select');
  if (field) { field.blur(); return; }
  if (boxes().some(box => box.checked)) none();
  else if (ticket?.dataset.queue) location.href = ticket.dataset.queue;
}, true);
