/** `npm run vapid-keys`: a new pair of VAPID keys, as lines for `.env`. It stores nothing. */

import webPush from "web-push";
import { takesNoArguments } from "./arguments.ts";
import { exitWithSentence } from "./usage.ts";

try {
  takesNoArguments(
    "npm run vapid-keys: a new pair of VAPID keys, as lines for .env. It takes no arguments and stores nothing.",
  );
  const { publicKey, privateKey } = webPush.generateVAPIDKeys();
  console.log(`VAPID_PUBLIC_KEY=${publicKey}\nVAPID_PRIVATE_KEY=${privateKey}`);
} catch (error) {
  exitWithSentence(error);
}
