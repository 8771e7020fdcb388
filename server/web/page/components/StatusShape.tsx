import type { ReactNode } from "react";
import type { SyncPhase } from "../graphql/operations.ts";

/** One outline a state, so that colour is never the only thing that tells. */
const PATHS: Record<SyncPhase, ReactNode> = {
  up_to_date: (
    <>
      <circle cx="8" cy="8" r="7" className="shape-fill" />
      <path d="M4.8 8.3 7 10.4l4.2-4.7" className="shape-cut" />
    </>
  ),
  never_synced: <circle cx="8" cy="8" r="6.2" strokeDasharray="2.6 2.3" />,
  queued: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <circle cx="8" cy="8" r="1.9" className="shape-fill" />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6.2" className="shape-faint" />
      <path d="M8 1.8A6.2 6.2 0 0 1 14.2 8" className="shape-turns" />
    </>
  ),
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M8 4.4V8l2.4 1.6" />
    </>
  ),
  retrying: (
    <>
      <path d="M13.8 6.2A6.2 6.2 0 1 0 14.2 8" />
      <path d="M14.4 2.6v3.8h-3.8" />
    </>
  ),
  needs_you: (
    <>
      <path d="M8 1.6 15 14H1Z" className="shape-fill" />
      <path d="M8 6.2v3.4M8 11.7v.1" className="shape-cut" />
    </>
  ),
  provider_down: (
    <>
      <rect x="2" y="2" width="12" height="12" rx="2.4" />
      <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" />
    </>
  ),
  paused: <path d="M5.4 3v10M10.6 3v10" className="shape-bars" />,
  unlinked: <path d="M2.5 8h11" />,
};

export function StatusShape({ phase }: { phase: SyncPhase }): ReactNode {
  return (
    <svg className={`shape shape-${phase}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {PATHS[phase]}
    </svg>
  );
}
