/** The thing asked for does not exist (any more): 404. */
export class UnknownThing extends Error {
  override name = "UnknownThing";
}

/** What was asked for makes no sense: 400, with a message for the caller. */
export class BadRequest extends Error {
  override name = "BadRequest";
}

/** A journal that this simulator did not write, or wrote for another seed. */
export class BadJournal extends Error {
  override name = "BadJournal";
}
