// What every page needs: morphing swaps, the CSRF header, toasts, menus. Runs under script-src 'self' without eval.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const csrf = () => $('meta[name=csrf]')?.content ?? '';
const words = $('#words')?.dataset ?? {};

/* Morph: patch the shown tree into the new one, keyed by id, so that nodes, focus and typed text stay. */
export function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) { from.replaceWith(to); return to; }
  if (from.nodeType !== 1) { if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue; return from; }
  if (from.hasAttribute('data-keep') || from.isEqualNode(to)) return from;
  const was = [from.defaultValue, from.defaultChecked];
  const isOpen = from.nodeName === 'DETAILS' && from.open;
  for (const a of [...from.attributes]) if (!to.hasAttribute(a.name)) from.removeAttribute(a.name);
  for (const a of to.attributes) if (from.getAttribute(a.name) !== a.value) from.setAttribute(a.name, a.value);
  if (isOpen) from.open = true;
  if (/^(INPUT|TEXTAREA)$/.test(from.nodeName)) {
    // What somebody typed wins, unless the server's own value changed and the field is not in use.
    if (from.nodeName === 'TEXTAREA' && from.defaultValue !== to.defaultValue) from.defaultValue = to.defaultValue;
    if (from !== document.activeElement && from.type !== 'file') {
      if (was[0] !== to.defaultValue) from.value = to.defaultValue;
      if (was[1] !== to.defaultChecked) from.checked = to.defaultChecked;
    }
    return from;
  }
  patchChildren(from, to);
  return from;
}

function patchChildren(from, to) {
  const known = new Map([...from.children].filter(c => c.id).map(c => [c.id, c]));
  const wanted = new Set([...to.children].map(c => c.id).filter(Boolean));
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    const keyed = next.id && known.get(next.id);
    if (keyed) {
      if (keyed === at) at = at.nextSibling;
      else if (from.moveBefore && keyed.isConnected) from.moveBefore(keyed, at);
      else from.insertBefore(keyed, at);
      morph(keyed, next);
      continue;
    }
    if (at && !next.id && !(at.id && wanted.has(at.id)) && at.nodeName === next.nodeName) {
      const after = at.nextSibling; morph(at, next); at = after; continue;
    }
    from.insertBefore(next, at);
    if (next.nodeType === 1) { htmx.process(next); next.classList.add('flash'); }
  }
  while (at) { const after = at.nextSibling; at.remove(); at = after; }
}

// Modules run after deferred htmx and before DOMContentLoaded, so htmx knows the swap before it reads the page.
htmx.defineExtension('ieum-morph', {
  isInlineSwap: style => style === 'morph',
  handleSwap: (style, target, fragment) => {
    if (style !== 'morph') return false;
    return [morph(target, fragment.firstElementChild ?? fragment)];
  },
});
document.body.setAttribute('hx-ext', 'ieum-morph');
document.addEventListener('htmx:configRequest', ({ detail }) => {
  detail.headers['X-CSRF-Token'] = csrf();
  // What a page asks by itself, called by live updates or by its clock, must not keep an idle session alive.
  const by = detail.triggeringEvent?.type;
  if (detail.verb === 'get' && (!by || by.startsWith('live:'))) detail.headers['X-By-Itself'] = '1';
});

/* A live update may take away the element that asked before its answer is here. htmx looks for the answer's other
   blocks, and tells its events, at the element that asked: so it comes back, unseen, while the answer is taken in. */
document.addEventListener('htmx:beforeRequest', ({ detail: { xhr, elt } }) => {
  xhr.addEventListener('readystatechange', () => {
    if (xhr.readyState !== XMLHttpRequest.DONE || elt.isConnected) return;
    const shelf = document.createElement('div');
    shelf.hidden = true;
    shelf.append(elt.getRootNode());
    document.body.append(shelf);
    xhr.addEventListener('loadend', () => shelf.remove(), { once: true });
  });
});

/* Toasts: HX-Trigger: {"toast": {"msg": …, "tone": …}} */
export function toast({ msg, tone = 'green' }) {
  const box = $('#toasts');
  for (const same of $$('.toast', box)) if ($('div', same).textContent === msg) same.remove();
  const shown = $('#toast_shape').content.firstElementChild.cloneNode(true);
  const close = () => { shown.remove(); if (!box.children.length) box.hidePopover?.(); };
  shown.dataset.tone = tone;
  $('div', shown).textContent = msg;
  $('button', shown).addEventListener('click', close);
  if (box.showPopover && !box.matches(':popover-open')) box.showPopover();
  box.append(shown);
  setTimeout(close, 7000);
}
document.addEventListener('toast', e => toast(e.detail.value ?? e.detail));
document.addEventListener('htmx:sendError', () => toast({ msg: words.unreachable, tone: 'red' }));
document.addEventListener('htmx:timeout', () => toast({ msg: words.unreachable, tone: 'red' }));
document.addEventListener('htmx:responseError', e => {
  const status = e.detail.xhr.status;
  const msg = status === 401 ? words.expired : status === 429 ? words.busy : words.failed;
  toast({ msg: `${msg} (${status})`, tone: 'red' });
});

/* Refusals land in #notice: bring it into view and let it be closed. */
document.addEventListener('htmx:afterSwap', e => {
  if (e.detail.target.id === 'notice') e.detail.target.scrollIntoView({ block: 'nearest' });
});
document.addEventListener('htmx:load', e => {
  const wrong = $('[aria-invalid=true]', e.detail.elt);
  if (wrong) (wrong.matches('input,select,textarea') ? wrong : $('input', wrong))?.focus();
});
document.addEventListener('click', e => {
  const hit = e.target.closest?.('[data-dismiss],[data-reload],[data-back],[data-print]');
  if (hit?.matches('[data-dismiss]')) hit.closest('.banner').remove();
  if (hit?.matches('[data-reload]')) location.reload();
  if (hit?.matches('[data-back]') && history.length > 1) { e.preventDefault(); history.back(); }
  if (hit?.matches('[data-print]')) print();
  for (const menu of $$('details.menu[open]')) if (!menu.contains(e.target)) menu.open = false;
});
/* A live update leaves an open menu and what is typed in it alone; only its own success closes it. */
document.addEventListener('htmx:afterRequest', e => {
  const menu = e.detail.successful && e.detail.requestConfig?.verb !== 'get' && e.detail.elt.closest?.('details.menu[open]');
  if (menu) menu.open = false;
});
document.addEventListener('keydown', e => {
  const menu = e.key === 'Escape' && e.target.closest?.('details.menu[open]');
  if (menu) { menu.open = false; $('summary', menu).focus(); }
});

/* What was chosen, beside a file input that speaks our words. */
document.addEventListener('change', e => {
  const said = e.target.type === 'file' && $('[data-chosen]', e.target.parentElement);
  if (said) said.textContent = [...e.target.files].map(file => file.name).join(', ') || said.dataset.chosen;
});

/* Chips that filter what is already on the page: data-filter="message" over [data-kind]. */
document.addEventListener('click', e => {
  const chip = e.target.closest?.('[data-filter]');
  if (!chip) return;
  e.preventDefault();
  const list = $(chip.closest('[data-filters]').dataset.filters);
  for (const other of $$('[data-filter]', chip.parentElement)) other.toggleAttribute('aria-current', other === chip);
  for (const entry of $$('[data-kind]', list)) entry.hidden = Boolean(chip.dataset.filter) && entry.dataset.kind !== chip.dataset.filter;
});

/* Dragging: [data-drag="id"] onto [data-drop="address"]; posts item and slot (1 to data-slots across). */
document.addEventListener('dragstart', e => {
  const item = e.target.closest?.('[data-drag]');
  if (item) { e.dataTransfer.setData('text/plain', item.dataset.drag); item.classList.add('dragging'); }
});
document.addEventListener('dragend', e => e.target.classList?.remove('dragging'));
document.addEventListener('dragover', e => {
  const lane = e.target.closest?.('[data-drop]');
  for (const other of $$('[data-drop].over')) if (other !== lane) other.classList.remove('over');
  if (lane) { e.preventDefault(); lane.classList.add('over'); }
});
document.addEventListener('drop', e => {
  const lane = e.target.closest?.('[data-drop]');
  if (!lane) return;
  e.preventDefault();
  lane.classList.remove('over');
  const box = lane.getBoundingClientRect(), slots = Number(lane.dataset.slots ?? 1);
  const slot = Math.max(1, Math.min(slots, 1 + Math.floor((e.clientX - box.left) / box.width * slots)));
  const values = { item: e.dataTransfer.getData('text/plain'), slot };
  htmx.ajax('POST', lane.dataset.drop, { target: lane.dataset.target, swap: 'morph', values });
});
document.documentElement.dataset.ready = '1';
