/*
 * Imported before anything of Graphile's. Grafast reads this once, when it is loaded, and advises on the terminal where it
 * is missing; its development mode makes planning several times slower.
 */
process.env["GRAPHILE_ENV"] ??= "production";
