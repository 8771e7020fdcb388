import type { ReactNode } from "react";
import { languageNames, useSpeech } from "../words/language.tsx";

export function LanguageChoice(): ReactNode {
  const { words, language, choose } = useSpeech();
  return (
    <footer className="page-footer">
      <div role="group" aria-label={words.language}>
        {languageNames.map(({ language: each, name }) => (
          <button
            key={each}
            type="button"
            lang={each}
            className="button button-plain"
            aria-pressed={each === language}
            onClick={() => choose(each)}
          >
            {name}
          </button>
        ))}
      </div>
    </footer>
  );
}
