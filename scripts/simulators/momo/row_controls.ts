/** Control actions on statement rows: posting, late posting, changing, removing. */
import { z } from "zod";
import { environment } from "./environment.ts";
import { type RowChange, rowChangeSchema, rowFieldsSchema } from "./events.ts";
import { dropUndefined } from "./settings.ts";
import { NotPossible, UnknownThing, type Wallet, walletOf } from "./state.ts";
import { allVisibleRows, type StatementRow } from "./statement.ts";
import { type TrueRow, trueRow } from "./truth.ts";
import type { World } from "./world.ts";

/** A moment: ISO 8601, or milliseconds since 1970. */
export const instantSchema = z.union([
  z.number().int(),
  z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
]);

export const rowOptionsSchema = rowFieldsSchema
  .partial()
  .extend({
    direction: rowFieldsSchema.shape.direction,
    amount: rowFieldsSchema.shape.amount,
    /** Now unless told; in the past for a late posting. */
    occurredAt: instantSchema.optional(),
    /** Now unless told. The money moves at this moment, and the statement begins to show the row. */
    postedAt: instantSchema.optional(),
  })
  .strict();

export type RowOptions = z.input<typeof rowOptionsSchema>;

export type RowControls = {
  /** @returns the id for later control actions. */
  postRow(apiUser: string, row: RowOptions): { rowId: string };
  /** A visible row tells something else from now on. */
  changeRow(apiUser: string, rowId: string, change: RowChange): TrueRow;
  /** A visible row is gone from now on. */
  removeRow(apiUser: string, rowId: string): void;
};

export function rowControls(world: World): RowControls {
  const now = (): number => world.clock.now();
  return {
    postRow(apiUser, given) {
      // Once: a clock that runs on would make "now" the past of the next line.
      const at = now();
      const { occurredAt = at, postedAt = at, ...fields } = rowOptionsSchema.parse(given);
      if (postedAt < at) throw new NotPossible("a row cannot be posted in the past: give occurredAt");
      if (postedAt < occurredAt) throw new NotPossible("a row cannot be posted before it happens");
      const wallet = walletOf(world.state, apiUser);
      const rowId = `posted-${wallet.postedRows.length + 1}`;
      const counterpartyMsisdn = `${environment(wallet.environment).prefix}700000001`;
      const usual = {
        fee: "0",
        status: "Successful",
        type: "Transfer",
        counterpartyMsisdn,
        counterpartyName: "Ama Sarpong",
      };
      world.record({
        kind: "row_posted",
        at,
        apiUser,
        rowId,
        occurredAt,
        postedAt,
        fields: { ...usual, ...dropUndefined(fields), direction: fields.direction, amount: fields.amount },
      });
      return { rowId };
    },
    changeRow(apiUser, rowId, given) {
      const wallet = walletOf(world.state, apiUser);
      visibleRow(world, wallet, rowId);
      world.record({ kind: "row_changed", at: now(), apiUser, rowId, fields: rowChangeSchema.parse(given) });
      return trueRow(wallet, visibleRow(world, wallet, rowId));
    },
    removeRow(apiUser, rowId) {
      visibleRow(world, walletOf(world.state, apiUser), rowId);
      world.record({ kind: "row_removed", at: now(), apiUser, rowId });
    },
  };
}

function visibleRow(world: World, wallet: Wallet, rowId: string): StatementRow {
  const row = allVisibleRows(world.ledger, wallet, world.clock.now()).find((candidate) => candidate.rowId === rowId);
  if (row === undefined) throw new UnknownThing(`the statement shows no row ${rowId}`);
  return row;
}
