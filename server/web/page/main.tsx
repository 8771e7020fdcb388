// oxlint-disable-next-line import/no-unassigned-import -- styles have no name
import "./fonts.css";
// oxlint-disable-next-line import/no-unassigned-import
import "./styles.css";
import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";
import { watchConnection } from "./connection.ts";
import { openedBy } from "./opened_by.ts";
import { followOutbox, sendKept } from "./outbox.ts";

watchConnection();
if ("serviceWorker" in navigator) {
  void navigator.serviceWorker.register("/service_worker.js");
  followOutbox();
  sendKept();
}
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no root");
createRoot(root).render(<App opened={openedBy(location)} />);
