/** What the parts of the board share. Its value stays the same, so that no row is drawn again for it. */

import { createContext, use, type Dispatch, type RefObject } from "react";

import type { ViewEvent } from "../store/board_view";
import type { BoardActs } from "./board_acts";
import type { Nearness } from "./board_window";

export interface BoardParts {
  readonly acts: BoardActs;
  readonly change: Dispatch<ViewEvent>;
  readonly nearness: Nearness;
  readonly scroller: RefObject<HTMLElement | null>;
}

export const BoardContext = createContext<BoardParts | null>(null);

export function useBoard(): BoardParts {
  const parts = use(BoardContext);
  if (parts === null) throw new Error("a part of the board stands outside of BoardContext");
  return parts;
}
