// What the technician does is first kept on the phone and then sent, in order, each entry once. No background
// sync is needed (iOS has none): it flushes on load, 'online', when the page is shown, and every 20 seconds.
// An entry: {seq, id, me, at (device time), url, fields, files, state: waiting | refused, answer}.
import { $, csrf } from './app.js';

const opened = () => new Promise((resolve, reject) => {
  const request = indexedDB.open('ieum-field', 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('outbox', { keyPath: 'seq', autoIncrement: true });
    request.result.createObjectStore('drafts');
  };
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
async function within(store, mode, act) {
  const base = await opened();
  return new Promise((resolve, reject) => {
    const work = base.transaction(store, mode), asked = act(work.objectStore(store));
    work.oncomplete = () => { base.close(); resolve(asked?.result); };
    work.onerror = work.onabort = () => { base.close(); reject(work.error); };
  });
}
export const me = () => $('meta[name=me]')?.content ?? '';
export const entries = async () => (await within('outbox', 'readonly', s => s.getAll())).filter(e => e.me === me());
export const keepDraft = (key, value) => within('drafts', 'readwrite', s => s.put(value, `${me()}:${key}`));
export const draft = key => within('drafts', 'readonly', s => s.get(`${me()}:${key}`));
export const dropDraft = key => within('drafts', 'readwrite', s => s.delete(`${me()}:${key}`));
export const dropDrafts = () => within('drafts', 'readwrite', s => s.clear());

export function put(url, fields, files = [], draftKey = '', at = new Date()) {
  const entry = { id: crypto.randomUUID(), me: me(), at: at.toISOString(), url, fields, files, draftKey, state: 'waiting' };
  return within('outbox', 'readwrite', s => s.add(entry));
}

async function freshToken() {
  // After signing in again the token of a page from the cache is stale: take the one of today.
  const response = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' });
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const token = $('meta[name=csrf]', page)?.content;
  if (response.ok && token) $('meta[name=csrf]').content = token;
  return response.ok && Boolean(token);
}
async function send(entry, isSecondTry = false) {
  const body = new FormData();
  for (const [name, value] of entry.fields) if (name !== '_csrf') body.append(name, value);
  for (const file of entry.files) body.append(file.name, file.blob, file.filename);
  body.append('_csrf', csrf());
  const headers = { 'X-CSRF-Token': csrf(), 'Idempotency-Key': entry.id, 'X-Device-Time': entry.at, Accept: 'application/json' };
  const response = await fetch(entry.url, { method: 'POST', headers, body, credentials: 'same-origin', redirect: 'manual' });
  if (response.status === 403 && !isSecondTry && await freshToken()) return send(entry, true);
  return response;
}
async function settle(entry, response) {
  if (response.ok || response.type === 'opaqueredirect') {
    await within('outbox', 'readwrite', s => s.delete(entry.seq));
    if (entry.draftKey) await dropDraft(entry.draftKey);
    return 'sent';
  }
  if ([404, 409, 410, 413, 415, 422].includes(response.status)) {
    // The server will never take it: it stays, visibly, for the desk to decide. The technician cannot delete it.
    const answer = await response.json().catch(() => ({}));
    await within('outbox', 'readwrite', s => s.put({ ...entry, state: 'refused', answer: answer.message ?? String(response.status) }));
    return 'refused';
  }
  return 'later';                                     // signed out, busy, down: keep and try again
}

let isBusy = false, isMore = false;
export async function flush(changed) {
  isMore = isBusy;                                     // what comes while we send is sent right after
  if (isBusy) return;
  isBusy = true;
  const sent = [];
  const work = async () => {
    for (const entry of await entries()) {
      if (entry.state === 'refused') continue;
      let outcome = 'later';
      try { outcome = await settle(entry, await send(entry)); } catch { /* no connection */ }
      if (outcome === 'later') break;
      sent.push(outcome);
      await changed?.();
    }
  };
  try {
    do {
      isMore = false;
      if (navigator.locks) await navigator.locks.request('ieum-outbox', work); else await work();
    } while (isMore);
  } finally { isBusy = false; await changed?.(sent); }
}
