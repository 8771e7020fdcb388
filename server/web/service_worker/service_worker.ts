import { keepPage } from "./kept_page.ts";
import { sendLater } from "./outbox.ts";
import { showPushes } from "./pushes.ts";

keepPage();
sendLater();
showPushes();
