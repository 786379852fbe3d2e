// Two signs in the composer open what can be put in: "::" templates, "@@" colleagues, "??" articles. Typing on filters. Keys
// that a syllable being composed needs are left to it.
import { $, $$ } from './app.js';
const BEGINS = /(?:^|\s)(::|@@|\?\?)([^\s:@?]*)$/u, GAP = /\{\{[a-z_]+\}\}/;
let box = null, field = null, begun = 0, items = [], templates = null;

async function known() {
  const link = $('[data-snippets]');
  if (templates?.href === link.href) return templates.list;
  const response = await fetch(link.href, { headers: { Accept: 'application/json' }, credentials: 'same-origin' });
  if (!response.ok) return [];
  templates = { href: link.href, list: (await response.json()).templates };
  return templates.list;
}
const people = () => [...new Set($$('select[name=agent_id] option').filter(o => o.value).map(o => o.textContent.trim()))];

async function look(text) {
  const before = text.value.slice(0, text.selectionStart), found = BEGINS.exec(before);
  if (!found) { close(); return; }
  const [, sign, words] = found, at = before.length - sign.length - words.length;
  if (sign === '??') { articles(text, at); return; }
  const all = sign === '@@'
    ? people().map(name => ({ name, text: `@${name} `, detail: '' }))
    : (await known()).map(one => ({ ...one, detail: one.why_not || [...one.does, ...one.gaps].join(' · '), isOff: Boolean(one.why_not) }));
  const wanted = words.toLowerCase();
  if (text.value.slice(at, at + 2) !== sign) return;      // typed on while the answer was on its way
  show(text, at, all.filter(one => !wanted || one.name.toLowerCase().includes(wanted) || one.key?.includes(wanted)).slice(0, 12));
}
function show(text, at, list) {
  close();
  if (!list.length) return;
  [field, begun, items] = [text, at, list];
  box = document.createElement('ul');
  box.className = 'snippets';
  box.id = 'snippets';
  box.role = 'listbox';
  box.ariaLabel = $('[data-snippets]').textContent.trim();
  for (const [n, one] of list.entries()) {
    const option = document.createElement('li'), name = document.createElement('b'), detail = document.createElement('span');
    option.id = `snippet_${n}`;
    option.role = 'option';
    if (one.isOff) option.ariaDisabled = 'true';
    name.textContent = one.name;
    detail.textContent = one.detail;
    detail.className = 'hint';
    option.append(name, detail);
    option.addEventListener('mousedown', e => { e.preventDefault(); put(n); });
    box.append(option);
  }
  text.closest('form').before(box);
  text.setAttribute('aria-controls', 'snippets');
  text.setAttribute('aria-autocomplete', 'list');
  select(list.findIndex(one => !one.isOff));
}
function select(n) {
  $$('[role=option]', box).forEach((option, place) => option.setAttribute('aria-selected', String(place === n)));
  if (n < 0) return;
  field.setAttribute('aria-activedescendant', `snippet_${n}`);
  box.children[n].scrollIntoView({ block: 'nearest' });
}
function close() {
  box?.remove();
  field?.removeAttribute('aria-activedescendant');
  field?.removeAttribute('aria-controls');
  [box, items] = [null, []];
}
function put(n) {
  const one = items[n], text = field;
  if (!one || one.isOff) return;
  const from = begun;
  close();
  text.setRangeText(one.text, from, text.selectionStart, 'end');
  if (one.key) uses(text.closest('form'), one);
  text.dispatchEvent(new Event('input', { bubbles: true }));
  text.focus();
  const gap = GAP.exec(one.text);
  if (gap) text.setSelectionRange(from + gap.index, from + gap.index + gap[0].length);
}
/* What sending it also does is shown before it is sent, and can be left out. */
function uses(form, one) {
  const shown = $('[data-does]', form);
  $('[data-template]', form).value = one.key;
  shown.hidden = !one.does.length;
  const said = document.createElement('span');
  said.className = 'xs';
  said.textContent = `${shown.dataset.does} ${one.does.join(' · ')}`;
  const drop = document.createElement('button');
  drop.type = 'button';
  drop.className = 'btn ghost icon';
  drop.textContent = '×';
  drop.ariaLabel = shown.dataset.drop;
  drop.addEventListener('click', () => { forget(form); $('textarea', form).focus(); });
  shown.replaceChildren(said, drop);
  if (one.use === 'note') $('[name=kind][value=note]', form)?.click();
}
function forget(form) {
  $('[data-template]', form).value = '';
  $('[data-does]', form).hidden = true;
}
function articles(text, at) {
  const place = $('details[data-articles]');
  if (!place) return;
  text.setRangeText('', at, at + 2, 'end');
  place.open = true;
  ($('input[type=search],input[type=text],button,a', $('#article_list', place)) ?? $('summary', place)).focus();
}

document.addEventListener('input', e => {
  if (!e.target.matches?.('form[data-composer] textarea')) return;
  if (!e.target.value.trim()) forget(e.target.form);
  look(e.target);
});
document.addEventListener('keydown', e => {
  if (!box || e.isComposing || e.target !== field || e.ctrlKey || e.metaKey || e.altKey) return;
  const all = $$('[role=option]', box), at = all.findIndex(o => o.getAttribute('aria-selected') === 'true');
  const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (by) select((at + by + all.length) % all.length);
  else if (e.key === 'Enter' || e.key === 'Tab') put(at);
  else if (e.key === 'Escape') close();
  else return;
  e.preventDefault();
  e.stopImmediatePropagation();
}, true);
document.addEventListener('focusout', e => { if (e.target === field) close(); });
document.addEventListener('click', e => {
  const link = e.target.closest?.('[data-snippets]'), text = $('#reply');
  if (!link || !text || e.ctrlKey || e.metaKey) return;
  e.preventDefault();
  text.focus();
  const gap = text.selectionStart && !/\s$/.test(text.value.slice(0, text.selectionStart)) ? ' ' : '';
  text.setRangeText(`${gap}::`, text.selectionStart, text.selectionEnd, 'end');
  text.dispatchEvent(new Event('input', { bubbles: true }));
});
