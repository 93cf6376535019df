/** The keys that work wherever the focus is, in one table: what is pressed, what the help sheet says. Pure. */

export type KeyAction =
  | "help"
  | "compose"
  | "stop"
  | "edit_last"
  | "search"
  | "switch_panels"
  | "connection"
  | "theme";

export interface GlobalKey {
  readonly action: KeyAction;
  /** The keys as they are printed, to be pressed together. */
  readonly shown: readonly string[];
  /** Also while something is being written; otherwise not, or a letter could not be written. */
  readonly whileWriting: boolean;
  matches(event: KeyboardEvent): boolean;
}

const plain = ({ altKey, ctrlKey, metaKey }: KeyboardEvent): boolean => !altKey && !ctrlKey && !metaKey;

/** A key that is a character: by what it writes, since keyboards differ in where that is and whether it needs Shift. */
function character(action: KeyAction, written: string): GlobalKey {
  return { action, shown: [written], whileWriting: false, matches: (event) => plain(event) && event.key === written };
}

function named(action: KeyAction, key: string, shown: string): GlobalKey {
  return { action, shown: [shown], whileWriting: true, matches: (event) => plain(event) && !event.shiftKey && event.key === key };
}

const ALT_UP: GlobalKey = {
  action: "edit_last",
  shown: ["Alt", "↑"],
  whileWriting: true,
  matches: ({ altKey, ctrlKey, metaKey, shiftKey, key }) => altKey && !ctrlKey && !metaKey && !shiftKey && key === "ArrowUp",
};

const HELP: GlobalKey = character("help", "?");
const HELP_WHILE_WRITING: GlobalKey = {
  action: "help",
  shown: ["Ctrl", "/"],
  whileWriting: true,
  matches: (event) => (event.ctrlKey || event.metaKey) && !event.altKey && event.key === "/",
};

/** In the order of the help sheet. */
export const KEYS: readonly GlobalKey[] = [
  HELP,
  HELP_WHILE_WRITING,
  character("compose", "/"),
  named("stop", "Escape", "Esc"),
  ALT_UP,
  character("search", "s"),
  named("switch_panels", "F6", "F6"),
  character("connection", "c"),
  character("theme", "t"),
];

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input:not([type=checkbox], [type=radio], [type=button], [type=range])");
}

/** What a key asks for, or null. @param letters whether keys that are characters count */
export function actionOf(event: KeyboardEvent, letters: boolean): KeyAction | null {
  // While an input method composes, its keys are its own.
  if (event.defaultPrevented || event.isComposing || event.repeat) return null;
  const writing = isField(event.target) || !letters;
  return KEYS.find((key) => (key.whileWriting || !writing) && key.matches(event))?.action ?? null;
}
