import { sendTask } from "./@notifications/send_task.ts";

/** Sends one notification to one browser. */
export default sendTask("web_push");
