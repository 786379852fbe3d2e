// Deadlines count down in the browser: [data-due] holds the moment, the server wrote the first text.
import { $$ } from './app.js';
const pad = n => String(n).padStart(2, '0');

export function left(seconds) {
  const sign = seconds < 0 ? '−' : '', s = Math.abs(seconds);
  if (s < 3600) return `${sign}${Math.floor(s / 60)}:${pad(s % 60)}`;
  if (s < 86400) return `${sign}${Math.floor(s / 3600)}:${pad(Math.floor(s % 3600 / 60))}`;
  return null;                                        // days: the server's words stay
}
export const urgency = s => s <= 0 ? 'red' : s < 3600 ? 'orange' : s < 14400 ? 'amber' : 'gray';

function tick() {
  for (const shown of $$('[data-due]')) {
    const seconds = Math.trunc((Date.parse(shown.dataset.due) - Date.now()) / 1000);
    const text = left(seconds);
    if (text !== null && shown.textContent !== text) shown.textContent = text;
    if (shown.dataset.tone && !('toneFixed' in shown.dataset)) {
      const tone = urgency(seconds);
      if (shown.dataset.tone !== tone) shown.dataset.tone = tone;
    }
  }
}
setInterval(() => document.visibilityState === 'visible' && tick(), 1000);
document.addEventListener('visibilitychange', tick);
tick();
