import { useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";

import { usePrefer } from "./agent";
import { texts } from "./texts";

export const USUAL_SPLIT = 0.5;
const LEAST = 0.25;
const MOST = 0.75;
const STEP = 0.02;

interface DividerProps {
  /** The share of the panel before it, from 0 to 1. */
  readonly split: number;
  /** While it is dragged; the preference follows when it is let go. */
  readonly onDrag: (split: number | null) => void;
}

function within(split: number): number {
  return Math.min(MOST, Math.max(LEAST, Math.round(split * 1000) / 1000));
}

/** The line between two panels, to be moved by pointer and by keyboard (the window splitter pattern of ARIA's authoring practices). */
export function Divider({ split, onDrag }: DividerProps): ReactNode {
  const prefer = usePrefer();
  const line = useRef<HTMLDivElement>(null);
  const [isHeld, setIsHeld] = useState(false);
  const shareAt = (x: number): number => {
    const { left, width } = (line.current?.parentElement ?? document.body).getBoundingClientRect();
    return within((x - left) / width);
  };
  const key = (event: KeyboardEvent): void => {
    const step = event.shiftKey ? STEP * 4 : STEP;
    const moves: Readonly<Record<string, number | null>> = {
      ArrowLeft: within(split - step),
      ArrowRight: within(split + step),
      Home: LEAST,
      End: MOST,
      Enter: null,
    };
    const moved = moves[event.key];
    if (moved === undefined) return;
    event.preventDefault();
    prefer({ split: moved });
  };
  const release = (event: PointerEvent): void => {
    if (!isHeld) return;
    setIsHeld(false);
    onDrag(null);
    prefer({ split: shareAt(event.clientX) });
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- a separator that has the focus is a control
    <div
      ref={line}
      className="divider"
      role="separator"
      tabIndex={0}
      data-testid="divider"
      data-held={isHeld}
      aria-label={texts.app.divider}
      aria-orientation="vertical"
      aria-valuenow={Math.round(split * 100)}
      aria-valuemin={LEAST * 100}
      aria-valuemax={MOST * 100}
      onKeyDown={key}
      onDoubleClick={() => prefer({ split: null })}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setIsHeld(true);
      }}
      onPointerMove={(event) => {
        if (isHeld) onDrag(shareAt(event.clientX));
      }}
      onPointerUp={release}
      onPointerCancel={release}
    />
  );
}
