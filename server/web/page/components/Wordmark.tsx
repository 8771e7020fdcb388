import type { ReactNode } from "react";

/** A line and the water under it. */
export function Wordmark(): ReactNode {
  return (
    <p className="wordmark">
      <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
        <path d="M3 7h18" className="wordmark-line" />
        <path d="M3 13c2.2-2 3.8-2 6 0s3.8 2 6 0 3.8-2 6 0" />
        <path d="M3 18.5c2.2-2 3.8-2 6 0s3.8 2 6 0 3.8-2 6 0" className="wordmark-deep" />
      </svg>
      Tidemark
    </p>
  );
}
