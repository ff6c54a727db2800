// The worker of IMS. It keeps the page « hors ligne » and its files, which name nobody, and nothing else: no page of
// anybody is ever put in a cache. It stands aside for all but pages that the network could not bring.
const CACHE = "ims-{{ version }}";
const PAGE = "{{ page }}";
const FILES = {{ files|safe }};
const NOT_OURS = /^\/(admin|demo)\/|\/(pieces\/\d+|pdf|csv|fichier)\//;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(fill());
});
addEventListener("activate", (event) => event.waitUntil(takeOver()));
addEventListener("fetch", (event) => {
  const { method, mode, headers, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin || headers.has("range")) return;
  if (FILES.includes(pathname)) event.respondWith(kept(event.request));
  else if (mode === "navigate" && !NOT_OURS.test(pathname)) event.respondWith(reach(event));
});

async function fill() {
  const cache = await caches.open(CACHE);
  // Asked without cookie: even signed in, what is kept is the page of nobody.
  await cache.addAll([new Request(PAGE, { credentials: "omit", cache: "reload" }), ...FILES]);
}

async function takeOver() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await registration.navigationPreload?.enable();
  await clients.claim();
}

async function kept(request) {
  return (await caches.match(request.url, { ignoreVary: true })) ?? fetch(request);
}

// An answer of the server is given as it is, errors included; only the want of an answer shows the page « hors ligne ».
async function reach({ request, preloadResponse }) {
  try {
    return (await preloadResponse) ?? (await fetch(request));
  } catch {
    return (await caches.match(PAGE, { ignoreVary: true })) ?? Response.error();
  }
}
