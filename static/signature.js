// Signing with a finger: strokes as vectors, kept as SVG path data 1000 units wide in the hidden field.
import { $, $$ } from './app.js';

export function pad(box) {
  const canvas = $('canvas', box), hidden = $('input[type=hidden]', box), hint = $('.ph', box), pen = canvas.getContext('2d');
  let strokes = [], current = null;
  const scale = () => 1000 / (canvas.getBoundingClientRect().width || 1);
  function draw() {
    const { width, height } = canvas.getBoundingClientRect(), ratio = devicePixelRatio || 1, unit = 1 / scale();
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    pen.scale(ratio, ratio);
    pen.lineWidth = 2.4;
    pen.lineCap = pen.lineJoin = 'round';
    pen.strokeStyle = '#1b1f3b';
    for (const stroke of strokes) {
      const points = stroke.map(([x, y]) => [x * unit, y * unit]), last = points.at(-1);
      pen.beginPath();
      pen.moveTo(...points[0]);
      for (let i = 1; i < points.length - 1; i++) pen.quadraticCurveTo(...points[i], (points[i][0] + points[i + 1][0]) / 2, (points[i][1] + points[i + 1][1]) / 2);
      pen.lineTo(last[0] + 0.01, last[1]);
      pen.stroke();
    }
    hint.hidden = strokes.length > 0;
    hidden.value = strokes.map(s => 'M' + s.map(p => p.join(' ')).join('L')).join('');
  }
  const at = e => { const r = canvas.getBoundingClientRect(), k = scale(); return [Math.round((e.clientX - r.left) * k), Math.round((e.clientY - r.top) * k)]; };
  const changed = () => box.dispatchEvent(new CustomEvent('signature:changed', { bubbles: true, detail: strokes }));
  canvas.addEventListener('pointerdown', e => { canvas.setPointerCapture(e.pointerId); current = [at(e)]; strokes.push(current); draw(); });
  canvas.addEventListener('pointermove', e => {
    if (!current) return;
    const moves = e.getCoalescedEvents?.() ?? [];
    for (const one of moves.length ? moves : [e]) current.push(at(one));
    draw();
  });
  for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, () => { if (current) { current = null; changed(); } });
  addEventListener('resize', draw);
  box.restore = saved => { strokes = saved ?? []; draw(); };
  box.clear = () => { strokes = []; draw(); changed(); };
  draw();
}
for (const box of $$('[data-signature]')) pad(box);
document.addEventListener('click', e => {
  const button = e.target.closest?.('[data-clear-signature]');
  if (button) $('[data-signature]', button.closest('form,section,.card') ?? document)?.clear();
});
