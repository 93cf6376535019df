/** Runs operations for the page, and tells the store what becomes of them. */

import { uuid7 } from "../connection/ids";
import type { Operation } from "../connection/operations";
import type { FromGateway, OperationsCompleted } from "../connection/protocol";
import type { Reason } from "../connection/state";
import {
  addOperation,
  completeOperation,
  disownOperations,
  doubtOperation,
  failOperation,
  rowsOf,
  seeEntry,
  withoutRevisions,
  type Operations,
} from "./operations";
import { pendingOperations } from "./overlay";
import type { AgentStore } from "./store";
import { rowsAsSeen, rowsUnchanged, type RowsSeen } from "./watched";

export interface RunOptions {
  /** The ids of lists and items that must be as the person sees them now; with a list, its items. None by default. */
  readonly onlyIfUnchanged?: readonly string[];
}

interface Guarded {
  readonly operations: readonly Operation[];
  readonly seen: RowsSeen;
  refusals: number;
  /** The refusal that is being looked into: whether those rows are what changed. */
  refused: OperationsCompleted | null;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The reason of a conflict of which the page could not tell whether it was about the rows that were seen. */
export const UNCHECKED = "unchecked";

const REFUSALS_MAX = 5;
const CATCH_UP_MS = 5_000;

/** @param ask sends operations to the server, refused where the owner's state is newer than the revision given */
type Ask = (id: string, operations: readonly Operation[], expectedRevision: number | null) => void;

export class Runs {
  readonly #store: AgentStore;
  readonly #ask: Ask;
  readonly #guarded = new Map<string, Guarded>();
  #revision = 0; // of the board, as it was seen last

  constructor(store: AgentStore, ask: Ask) {
    this.#store = store;
    this.#ask = ask;
  }

  /** @returns the id under which the store tells what became of it */
  run(operations: readonly Operation[], { onlyIfUnchanged = [] }: RunOptions = {}): string {
    const id = uuid7();
    const { board } = this.#store.getState();
    // Behind another click on the same rows, they will not be as they are seen now, and by the person's own doing.
    const isGuarded = onlyIfUnchanged.length > 0 && !this.#isBusyWith(onlyIfUnchanged);
    this.#change((known) => addOperation(known, id, operations));
    if (!isGuarded) this.#ask(id, operations, null);
    else {
      this.#guarded.set(id, { operations, seen: rowsAsSeen(board, onlyIfUnchanged), refusals: 0, refused: null, timer: undefined });
      this.#ask(id, operations, board.revision);
    }
    return id;
  }

  doubted(id: string, reason: Reason): void {
    this.#change((known) => doubtOperation(known, id, reason));
  }

  failed(id: string, reason: Reason, doubtful: boolean): void {
    this.#release(id);
    this.#change((known) => failOperation(known, id, reason, doubtful));
  }

  take(message: FromGateway): void {
    if (message.type === "state.changed") this.#change((known) => seeEntry(known, message.entry));
    else if (message.type === "op.completed" && !this.#isLookedInto(message.result)) this.#complete(message.result);
  }

  /** The board has changed: what was refused for an old view may be asked for again, or has to be told. */
  look(): void {
    const { board } = this.#store.getState();
    if (board.revision !== null && board.revision < this.#revision) this.#change(withoutRevisions);
    this.#revision = board.revision ?? 0;
    for (const [id, guarded] of this.#guarded) {
      const { refused, seen, operations } = guarded;
      if (refused === null || board.revision === null || board.revision < (refused.receipt.revision_before ?? 0)) continue;
      if (!rowsUnchanged(board, seen)) {
        this.#complete(refused);
        continue;
      }
      clearTimeout(guarded.timer);
      guarded.refused = null;
      this.#ask(id, operations, board.revision);
    }
  }

  /** Somebody else is signed in now. */
  disown(): void {
    for (const id of this.#guarded.keys()) this.#release(id);
    this.#change(disownOperations);
  }

  #isBusyWith(rows: readonly string[]): boolean {
    const { board, operations } = this.#store.getState();
    const busy = pendingOperations(operations, board.revision).flatMap((state) => state.operations.flatMap(rowsOf));
    return busy.some((id) => rows.includes(id) || rows.includes(board.items.get(id)?.list_id ?? ""));
  }

  // The server refuses for any newer revision. Whether it was these rows that changed, the board knows once it is there.
  #isLookedInto(result: OperationsCompleted): boolean {
    const guarded = this.#guarded.get(result.operation_id);
    if (guarded === undefined || result.outcome !== "conflict" || result.reason !== "stale_view") return false;
    guarded.refusals += 1;
    if (guarded.refusals > REFUSALS_MAX) {
      this.#complete({ ...result, reason: UNCHECKED });
      return true;
    }
    guarded.refused = result;
    guarded.timer = setTimeout(() => this.#complete({ ...result, reason: UNCHECKED }), CATCH_UP_MS);
    this.look();
    return true;
  }

  #complete(result: OperationsCompleted): void {
    this.#release(result.operation_id);
    this.#change((known) => completeOperation(known, result));
  }

  #release(id: string): void {
    clearTimeout(this.#guarded.get(id)?.timer);
    this.#guarded.delete(id);
  }

  #change(to: (operations: Operations) => Operations): void {
    const { operations } = this.#store.getState();
    const changed = to(operations);
    if (changed !== operations) this.#store.setState({ operations: changed });
  }
}
