/** `npm run vapid-keys`: a new pair of VAPID keys, as lines for `.env`. It stores nothing. */

import webPush from "web-push";

const { publicKey, privateKey } = webPush.generateVAPIDKeys();
console.log(`VAPID_PUBLIC_KEY=${publicKey}\nVAPID_PRIVATE_KEY=${privateKey}`);
