import { useEffect, useRef, useState } from "react";

/** overtaken: something else was chosen meanwhile, which will tell. */
export type Outcome = "saved" | "failed" | "overtaken";

/**
 * A choice that the server keeps: shown as soon as it is made, saved in the order in which it was made, and taken back if it
 * was not saved. It is shown until what stands has changed, and not only until the answer is there: in between, the page
 * would jump back for a moment.
 *
 * @param stands what the server answered last
 */
export function useChoice<Choice>(stands: Choice): {
  shown: Choice;
  choose: (next: Choice, save: () => Promise<boolean>) => Promise<Outcome>;
} {
  const [chosen, setChosen] = useState<{ choice: Choice } | null>(null);
  const unanswered = useRef(0);
  const last = useRef<Promise<boolean>>(Promise.resolve(true));
  const standing = JSON.stringify(stands);
  useEffect(() => {
    if (unanswered.current === 0) setChosen(null);
  }, [standing]);

  async function choose(next: Choice, save: () => Promise<boolean>): Promise<Outcome> {
    setChosen({ choice: next });
    unanswered.current += 1;
    const turn = last.current.then(save);
    last.current = turn;
    const isSaved = await turn;
    unanswered.current -= 1;
    if (unanswered.current > 0) return "overtaken";
    if (!isSaved) setChosen(null);
    return isSaved ? "saved" : "failed";
  }
  return { shown: chosen === null ? stands : chosen.choice, choose };
}
