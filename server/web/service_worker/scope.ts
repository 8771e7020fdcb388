/** The service worker's own global, which the DOM's types take for a window. */
declare const self: ServiceWorkerGlobalScope;
export const worker = self;
