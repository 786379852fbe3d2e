// Photos are shrunk on the device before they are sent: input[data-shrink="1600"]. The input then holds the
// small files, a preview stands beside it, and 'photos:ready' says that the form may go.

async function shrink(file, longest) {
  if (!file.type.startsWith('image/')) return file;
  let picture;
  try { picture = await createImageBitmap(file, { imageOrientation: 'from-image' }); } catch { return file; }
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise(done => canvas.toBlob(done, 'image/jpeg', 0.82));
  if (!blob || (scale === 1 && blob.size >= file.size && /jpeg|png|webp/.test(file.type))) return file;
  return new File([blob], file.name.replace(/\.\w+$/, '') + '.jpg', { type: 'image/jpeg', lastModified: file.lastModified });
}
function preview(input, file) {
  const figure = document.createElement('figure'), image = new Image();
  figure.className = 'waiting';
  image.alt = file.name;
  image.src = URL.createObjectURL(file);
  figure.append(image);
  (input.closest('.add') ?? input).before(figure);
}
document.addEventListener('change', async e => {
  const input = e.target;
  if (!input.matches?.('input[type=file][data-shrink]') || !input.files.length) return;
  e.stopPropagation();
  const chosen = new DataTransfer();
  for (const old of input.closest('[data-photos]')?.querySelectorAll('figure.waiting[data-input]') ?? []) if (old.dataset.input === input.name) old.remove();
  for (const file of input.files) chosen.items.add(await shrink(file, Number(input.dataset.shrink)));
  input.files = chosen.files;
  for (const file of input.files) preview(input, file);
  input.dispatchEvent(new CustomEvent('photos:ready', { bubbles: true }));
}, true);
