// Live updates: the server says only that something changed, and each tab fetches its own fragment again:
// hx-trigger="live:tickets from:body delay:150ms", or "live:ticket:T100123 from:body" for one thing only.
// One stream per browser and reader, however many tabs: a browser opens six connections per host, and a stream
// would hold one for good in every tab. Without locks we poll.
import { $, $$ } from './app.js';
const meta = $('meta[name=live]'), address = meta?.content;
const EVENTS = [
  'tickets', 'visits', 'orders', 'journeys', 'collections', 'dunning', 'ticket', 'visit', 'invoice', 'order', 'close', 'return', 'dunning_case',
  'subscription', 'change', 'customer', 'employee_requests', 'employee_request', 'presence', 'chat', 'line',
  'partners', 'partner',
];
const shared = `ieum-live ${address} ${$('meta[name=me]')?.content ?? ''}`;   // two readers never share
const REMEMBERED = 60000, SKEW = 500, tab = Math.random();
let knownAt = Number(meta?.dataset.at ?? 0);   // the server's time: what changed before, this page knows
let heard = [];   // of the tab that listens: what the server told last, for a page that was just being drawn
const channel = address && 'BroadcastChannel' in window ? new BroadcastChannel(shared) : null;

/* live:ticket and live:ticket:T1; without an id it may be any that this page waits for. */
function called(name, id) {
  const all = new Set([`live:${name}`]);
  if (id) all.add(`live:${name}:${id}`);
  else for (const waiting of $$('[hx-trigger*="live:"]')) {
    for (const [one] of waiting.getAttribute('hx-trigger').matchAll(/live:[\w.:-]+/g)) if (one.startsWith(`live:${name}:`)) all.add(one);
  }
  return all;
}
function tell({ name, data, at = 0 }) {
  knownAt = Math.max(knownAt, at);
  if (name === 'state') {
    document.body.dataset.live = data;
    const sign = $('#live_state');
    if (sign) sign.hidden = data !== 'on';
  } else for (const one of called(name, data)) document.body.dispatchEvent(new CustomEvent(one, { detail: data, bubbles: true }));
}
function tellAll(message) {
  if (message.at) heard = [...heard.filter(one => one.at > message.at - REMEMBERED), message];
  tell(message);
  channel?.postMessage(message);
}

function listen() {
  navigator.locks.request(shared, () => new Promise(release => {
    let stream, again, pause = 2000;
    document.body.dataset.leader = '1';
    const open = () => {
      // The server tells what was missed since then; when the browser opens it again, since the last event's id.
      stream = new EventSource(`${address}?at=${knownAt}`);
      stream.onopen = () => { pause = 2000; tellAll({ name: 'state', data: 'on' }); };
      stream.onerror = () => {
        tellAll({ name: 'state', data: 'off' });
        // Any answer but 200 closes a stream for good: come again later, less and less often.
        if (stream.readyState === EventSource.CLOSED) { again = setTimeout(open, pause); pause = Math.min(pause * 2, 60000); }
      };
      for (const name of EVENTS) stream.addEventListener(name, e => tellAll({ name, data: e.data, at: Number(e.lastEventId) }));
    };
    open();
    addEventListener('pagehide', () => { clearTimeout(again); stream.close(); release(); }, { once: true });
  }));
}
function poll() {
  setInterval(() => { if (document.visibilityState === 'visible') for (const name of EVENTS) tell({ name, data: '' }); }, 20000);
}
if (address) {
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.since === undefined) { if (data.to === undefined || data.to === tab) tell(data); return; }
      for (const one of heard) if (one.at >= data.since) channel.postMessage({ ...one, to: data.asks });
    };
    channel.postMessage({ asks: tab, since: knownAt - SKEW });
  }
  if (navigator.locks && channel && 'EventSource' in window) {
    listen();
    addEventListener('pageshow', e => e.persisted && listen());
  } else poll();
}
