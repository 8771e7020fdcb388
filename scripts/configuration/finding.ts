/** What `npm run check:config` found. An error keeps a process from starting or from doing its work; a warning leaves something off. */
export type Finding = { level: "error" | "warning"; text: string };

export const error = (text: string): Finding => ({ level: "error", text });
export const warning = (text: string): Finding => ({ level: "warning", text });
