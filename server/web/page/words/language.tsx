import { createContext, type ReactNode, use, useState } from "react";
import { en, type Words } from "./en.ts";
import { fr } from "./fr.ts";
import { type Formats, formatsFor } from "../formats.ts";

const languages = { en, fr } as const;
export type Language = keyof typeof languages;

export const languageNames: readonly { language: Language; name: string }[] = [
  { language: "en", name: en.languageName },
  { language: "fr", name: fr.languageName },
];

/** How this reader is spoken to: the words, and how moments, days and amounts are written. */
export type Speech = { language: Language; words: Words; formats: Formats; choose: (language: Language) => void };

const CHOICE = "tidemark.language";

/**
 * The language that was chosen here, else the first of the browser's that we speak, else English; and the browser's own
 * locale for numbers and dates where it is of that language (en-NG, fr-CM).
 */
function preferred(): Language {
  const chosen = localStorage.getItem(CHOICE);
  if (chosen === "en" || chosen === "fr") return chosen;
  for (const tag of navigator.languages) {
    const base = tag.slice(0, 2);
    if (base === "en" || base === "fr") return base;
  }
  return "en";
}

const localeFor = (language: Language, tags: readonly string[]): string =>
  tags.find((tag) => tag.startsWith(language)) ?? language;

const SpeechContext = createContext<Speech | null>(null);

export function speechIn(
  language: Language,
  options: { locale?: string; timeZone?: string; choose?: (language: Language) => void } = {},
): Speech {
  const { locale = language, timeZone, choose = () => {} } = options;
  const words = languages[language];
  return { language, words, formats: formatsFor(locale, words.justNow, timeZone), choose };
}

/** For tests and for the page alike: whoever is inside is spoken to like this. */
export function Speaking({ speech, children }: { speech: Speech; children: ReactNode }): ReactNode {
  return <SpeechContext value={speech}>{children}</SpeechContext>;
}

/** Speaks the visitor's language, and remembers another that they choose. */
export function SpeakingToVisitor({ children }: { children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState(preferred);
  const [speech, setSpeech] = useState(() => make(language));
  function make(chosen: Language): Speech {
    document.documentElement.lang = chosen;
    return speechIn(chosen, {
      locale: localeFor(chosen, navigator.languages),
      choose(next) {
        localStorage.setItem(CHOICE, next);
        setLanguage(next);
        setSpeech(make(next));
      },
    });
  }
  return <Speaking speech={speech}>{children}</Speaking>;
}

export function useSpeech(): Speech {
  const speech = use(SpeechContext);
  if (speech === null) throw new Error("nothing is said outside of Speaking");
  return speech;
}
