// Command palette and shortcuts. Keys are matched by e.code, so they work with the Korean layout on, and
// nothing happens while a syllable is being composed.
import { $, $$, csrf } from './app.js';
/* What a page's own script does for a physical key, 'KeyX' or 'Period', or for two, 'G H'; true when it did something. */
export const own = new Map();
const palette = $('#palette'), input = $('input[role=combobox]', palette), list = $('#palette_list'), options = $$('[role=option]', palette);
const shown = () => $$('[role=option]', list).filter(o => !o.hidden);

function select(option) {
  for (const other of $$('[role=option]', list)) other.setAttribute('aria-selected', String(other === option));
  if (option) { input.setAttribute('aria-activedescendant', option.id); option.scrollIntoView({ block: 'nearest' }); }
}
function filter() {
  const query = input.value.trim().toLowerCase();
  for (const o of options) o.hidden = 'search' in o.dataset ? !query : Boolean(query) && !o.textContent.toLowerCase().includes(query);
  select(shown()[0]);
  seek(query);
}
/* What is found stands above the commands, a few of each kind. Words are sent in a body: an address would keep them. */
let asking, later;
function seek(query) {
  clearTimeout(later);
  asking?.abort();
  if (!query || !csrf()) { $$('[data-found]', list).forEach(old => old.remove()); return; }
  later = setTimeout(async () => {
    asking = new AbortController();
    try {
      const headers = { Accept: 'application/json', 'Content-Type': 'application/json', 'X-CSRF-Token': csrf() };
      const answer = await fetch('/home/search', { method: 'POST', headers, body: JSON.stringify({ q: query }), signal: asking.signal });
      if (answer.ok) show((await answer.json()).groups);
    } catch (error) { if (error.name !== 'AbortError') $$('[data-found]', list).forEach(old => old.remove()); }
  }, 120);
}
function show(groups) {
  const isFirst = $('[aria-selected=true]', list) === shown()[0];
  $$('[data-found]', list).forEach(old => old.remove());
  list.prepend(...groups.flatMap(group => group.hits.slice(0, 5).map(hit => found(group, hit))));
  if (isFirst) select(shown()[0]);
}
function found(group, hit) {
  const option = document.createElement('li'), icon = $('svg', options[0]).cloneNode(true), use = $('use', icon);
  const title = document.createElement('span'), detail = document.createElement('span');
  use.setAttribute('href', use.getAttribute('href').replace(/#.*/, `#${group.icon}`));
  title.textContent = hit.title;
  detail.className = 'hint';
  detail.textContent = hit.is_like ? `${list.dataset.similar} · ${hit.detail}` : hit.detail;
  option.role = 'option';
  option.id = `found_${group.name}_${hit.id}`;
  option.dataset.found = '';
  option.dataset.href = hit.href;
  option.setAttribute('aria-selected', 'false');
  option.append(icon, title, detail);
  option.addEventListener('click', () => run(option));
  return option;
}
function searchAll() {
  const form = $('[data-search-all]', palette);
  form.elements.q.value = input.value.trim();
  form.submit();
}
export function open() {
  if (palette.open) return;
  input.value = '';
  filter();
  palette.showModal();
  input.focus();
}
function run(option) {
  if (!option) return;
  const href = option.dataset.href;
  palette.close();
  if ('search' in option.dataset) searchAll();
  else if (!href) { const key = option.dataset.key; if (!(own.get(key) ?? own.get(`Key${key}`))?.({})) press(key); }
  else if (!href.startsWith('#')) location.href = href;
  else go($(href));
}
function go(target) {
  if (target?.showModal) { listShortcuts(); target.showModal(); }
  else if (target?.matches('a,button')) target.click();
  else target?.focus();
}
function press(key) {
  const target = $$(`[data-shortcut="${CSS.escape(key)}" i]`).find(el => el.checkVisibility?.() ?? true);
  if (!target || target.disabled) return false;
  if (target.matches('textarea,input,select')) target.focus(); else target.click();
  return true;
}
$('[data-search-shortcuts]')?.addEventListener('input', e => {
  const asked = e.target.value.trim().toLowerCase();
  for (const text of $$('[data-list-shortcuts] dd')) {
    const term = text.previousElementSibling, isWanted = `${term.textContent} ${text.textContent}`.toLowerCase().includes(asked);
    text.hidden = term.hidden = !isWanted;
  }
});
function listShortcuts() {
  const list = $('[data-list-shortcuts]');
  for (const old of $$('[data-here]', list)) old.remove();
  for (const o of options.filter(o => o.dataset.key)) {
    const term = document.createElement('dt'), text = document.createElement('dd');
    term.dataset.here = text.dataset.here = '';
    for (const key of o.dataset.key.split(' ')) { const k = document.createElement('kbd'); k.textContent = key; term.append(k, ' '); }
    text.textContent = o.querySelector('span').textContent;
    list.append(term, text);
  }
}
function step(by) {
  const rows = $$('[data-row]').filter(row => row.checkVisibility?.() ?? true);
  if (!rows.length) return false;
  const here = rows.indexOf(document.activeElement), current = rows.findIndex(r => r.matches('[aria-current]'));
  const next = rows[Math.max(0, Math.min(rows.length - 1, (here < 0 ? current : here) + by))];
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
  return true;
}

for (const button of $$('[data-palette]')) button.addEventListener('click', e => { e.preventDefault(); open(); });
input.addEventListener('input', filter);
input.addEventListener('keydown', e => {
  if (e.isComposing) return;                          // Enter ends the syllable, it does not run the command
  const all = shown(), at = all.findIndex(o => o.getAttribute('aria-selected') === 'true');
  if (e.key === 'ArrowDown') { e.preventDefault(); select(all[(at + 1) % all.length]); }
  if (e.key === 'ArrowUp') { e.preventDefault(); select(all[(at - 1 + all.length) % all.length]); }
  if (e.key === 'Enter') { e.preventDefault(); run(all[at]); }
});
for (const option of options) option.addEventListener('click', () => run(option));

const WRITING = 'input:not([type=radio]):not([type=checkbox]):not([type=button]),textarea,select,[contenteditable],dialog';
/* The focus stays in a closed dialog until the next frame; a key in between is meant for the page. */
const isTyping = target => Boolean(target.closest?.(WRITING)?.checkVisibility());
let waitsForG = 0;
document.addEventListener('keydown', e => {
  if (e.isComposing) return;
  if ((e.ctrlKey || e.metaKey) && !e.shiftKey && e.code === 'KeyK') { e.preventDefault(); open(); return; }
  if ((e.ctrlKey || e.metaKey) && e.code === 'Slash') { e.preventDefault(); go($('#shortcuts')); return; }
  if (e.ctrlKey || e.metaKey || e.altKey || isTyping(e.target)) return;
  if (Date.now() - waitsForG >= 900 && own.get(e.code)?.(e)) { e.preventDefault(); return; }
  if (e.code === 'Slash') { e.preventDefault(); if (e.shiftKey) go($('#shortcuts')); else open(); return; }
  const key = /^Key[A-Z]$/.test(e.code) ? e.code.slice(3) : '';
  if (!key) return;
  if (Date.now() - waitsForG < 900) {
    waitsForG = 0;
    if (own.get(`G ${key}`)?.(e)) { e.preventDefault(); return; }
    const option = options.find(o => o.dataset.key === `G ${key}`);
    if (option) { e.preventDefault(); run(option); return; }
    if (press(`G ${key}`)) { e.preventDefault(); return; }
  }
  if (key === 'G') { waitsForG = Date.now(); return; }
  const done = key === 'J' ? step(1) : key === 'K' ? step(-1) : key === 'R' && $('#reply') ? ($('#reply').focus(), true) : press(key);
  if (done) e.preventDefault();
});
