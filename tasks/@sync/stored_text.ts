/**
 * A provider's text as Postgres can hold it: without NUL, which no text column takes, and without half characters.
 * Null where nothing is left. One such row would otherwise fail the page it came with, for ever.
 */
export function storedText(text: string | null | undefined): string | null {
  const kept = (text ?? "").replaceAll("\0", "").toWellFormed();
  return kept === "" ? null : kept;
}
