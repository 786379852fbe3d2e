// Shortcuts of pages without a palette: each key stands on what it presses or focuses (data-shortcut="N", "G R", "/").
// Keys are matched by e.code, so they work with the Korean layout on; nothing happens while a syllable is composed.
import { $$ } from './app.js';

const WRITING = 'input:not([type=radio]):not([type=checkbox]):not([type=button]),textarea,select,[contenteditable],dialog';
let waitsForG = 0;

function press(key) {
  const target = $$(`[data-shortcut="${CSS.escape(key)}"]`).find(el => el.checkVisibility?.() ?? true);
  if (!target || target.disabled) return false;
  if (target.matches('textarea,select,input:not([type=radio])')) target.focus(); else target.click();
  return true;
}

document.addEventListener('keydown', e => {
  if (e.isComposing || e.ctrlKey || e.metaKey || e.altKey || e.target.closest?.(WRITING)) return;
  if (e.code === 'Slash' && !e.shiftKey) { if (press('/')) e.preventDefault(); return; }
  const key = /^Key[A-Z]$/.test(e.code) ? e.code.slice(3) : '';
  if (!key) return;
  const isSecond = Date.now() - waitsForG < 900;
  waitsForG = 0;
  if (isSecond && press(`G ${key}`)) { e.preventDefault(); return; }
  if (key === 'G') { waitsForG = Date.now(); return; }
  if (press(key)) e.preventDefault();
});
