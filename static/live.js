// Live updates: the server says only that something changed, and each tab fetches its own fragment again:
// hx-trigger="live:tickets from:body delay:150ms". One stream per browser, however many tabs: a browser opens
// six connections per host, and a stream would hold one for good in every tab. Without locks we poll.
import { $ } from './app.js';
const address = $('meta[name=live]')?.content;
const EVENTS = ['tickets', 'ticket', 'visits', 'invoice', 'journeys'];
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('ieum-live') : null;

function tell({ name, data }) {
  if (name === 'state') {
    document.body.dataset.live = data;
    const sign = $('#live_state');
    if (sign) sign.hidden = data !== 'on';
  } else document.body.dispatchEvent(new CustomEvent(`live:${name}`, { detail: data, bubbles: true }));
}
function tellAll(message) { tell(message); channel?.postMessage(message); }

function listen() {
  navigator.locks.request('ieum-live', () => new Promise(release => {
    const stream = new EventSource(address);
    let wasOff = false;
    document.body.dataset.leader = '1';
    stream.onopen = () => {
      tellAll({ name: 'state', data: 'on' });
      if (wasOff) for (const name of EVENTS) tellAll({ name, data: '' });   // we may have missed something
      wasOff = false;
    };
    stream.onerror = () => { wasOff = true; tellAll({ name: 'state', data: 'off' }); };
    for (const name of EVENTS) stream.addEventListener(name, e => tellAll({ name, data: e.data }));
    addEventListener('pagehide', () => { stream.close(); release(); }, { once: true });
  }));
}
function poll() {
  setInterval(() => { if (document.visibilityState === 'visible') for (const name of EVENTS) tell({ name, data: '' }); }, 20000);
}
if (address) {
  if (channel) channel.onmessage = e => tell(e.data);
  if (navigator.locks && channel && 'EventSource' in window) {
    listen();
    addEventListener('pageshow', e => e.persisted && listen());
  } else poll();
}
