// Keeps the technician's pages and our files for times without a connection. Network first for pages; files
// carry their content's hash, so they come from the cache. Never touches live updates, JSON or fragments.
const FILES = 'ieum-files-__VERSION__', PAGES = 'ieum-pages';
const KEPT = __KEPT__;
const isPage = path => path === '/field-service' || path.startsWith('/field-service/');

self.addEventListener('install', e => e.waitUntil(caches.open(FILES).then(c => c.addAll(KEPT)).then(() => self.skipWaiting())));
self.addEventListener('activate', e => e.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith('ieum-') && name !== FILES && name !== PAGES) await caches.delete(name);
  await self.clients.claim();
})()));
self.addEventListener('message', e => {
  if (e.data === 'forget') e.waitUntil(caches.delete(PAGES));
  if (e.data?.keep) e.waitUntil(Promise.all(e.data.keep.filter(isPage).map(path => fresh(new Request(path, { credentials: 'same-origin' })).catch(() => null))));
});
async function fresh(request) {
  const response = await fetch(request);
  if (response.ok && !response.redirected && (response.headers.get('content-type') ?? '').startsWith('text/html')) {
    await (await caches.open(PAGES)).put(request.url, response.clone());
  }
  return response;
}
async function page(request) {
  try { return await fresh(request); } catch {
    const kept = await (await caches.open(PAGES)).match(request.url, { ignoreVary: true });
    const text = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Ieum</title><p>오프라인입니다. / You are offline.';
    return kept ?? new Response(text, { status: 503, headers: { 'Content-Type': 'text/html; charset=utf-8' } });
  }
}
self.addEventListener('fetch', e => {
  const { request } = e, url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (url.pathname.startsWith('/static/')) {
    e.respondWith(caches.match(request, { ignoreVary: true }).then(hit => hit ?? fetch(request)));
  } else if (isPage(url.pathname) && !request.headers.has('HX-Request') && (request.headers.get('accept') ?? '').includes('text/html')) {
    e.respondWith(page(request));
  }
});
