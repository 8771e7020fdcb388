import { sendTask } from "./@notifications/send_task.ts";

/** Sends one notification over OneSignal. */
export default sendTask("onesignal");
