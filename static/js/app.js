// The worker of the installed application, on the pages of nobody signed in (page.js does it on the others): once the
// page is there, so that what it keeps does not slow what is read.
addEventListener("load", () => navigator.serviceWorker?.register("/sw.js").catch(() => {}));
