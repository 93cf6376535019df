import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode, type SubmitEvent } from "react";

import type { Priority, TodoItem } from "../connection/protocol";
import { changedElsewhere, changesOf, fieldsShown, notesOver, titleOver, type Edit, type Field } from "../store/editing";
import { dayAfter, dayOf, dueFrom, LAST_DAY, localDay, timeOf } from "../store/due";
import { useAgentState } from "./agent";
import { quoted } from "./board_acts";
import { useBoard } from "./board_context";
import { dueLabel } from "./due_words";
import { clickWords, isGood } from "./click_words";
import { texts } from "./texts";

const PRIORITIES: readonly Priority[] = ["none", "low", "medium", "high"];

interface BoardEditorProps {
  readonly id: string;
  readonly edit: Edit;
}

/** The fields of a to-do. It stays open until the server has confirmed what was saved. */
export function BoardEditor({ id, edit }: BoardEditorProps): ReactNode {
  const { acts, change } = useBoard();
  const known = useAgentState(({ board }) => board.items.get(id));
  const isHome = useAgentState(({ board }) => board.lists.has(edit.seen.list_id));
  const saving = useAgentState(({ operations }) => (edit.saving === null ? undefined : operations.get(edit.saving)));
  const form = useRef<HTMLFormElement>(null);
  const isGone = known === undefined && saving?.status !== "running";
  const row = known ?? edit.seen;
  const fields = fieldsShown(edit, row);
  const isSaving = saving?.status === "running";
  const isSaved = saving !== undefined && isGood(saving);
  const over = titleOver(fields.title);
  const isWrong = over !== 0 || notesOver(fields.notes) > 0;

  const { isFresh } = edit;
  // Not whenever it is made anew, as where somebody else moves the row: the person may be writing elsewhere. And before
  // the next key, which is for the title.
  useLayoutEffect(() => {
    if (!isFresh) return;
    form.current?.querySelector<HTMLElement>("[name=title]")?.focus({ preventScroll: true });
    form.current?.scrollIntoView({ block: "nearest" });
    change({ type: "entered", id });
  }, [isFresh, change, id]);
  useEffect(() => {
    if (!isSaved) return;
    const hadFocus = form.current?.contains(document.activeElement) === true;
    change({ type: "edited", id });
    if (hadFocus) change({ type: "wanted", id });
  }, [isSaved, change, id]);

  const close = (): void => {
    change({ type: "edited", id });
    change({ type: "wanted", id });
  };
  const write = (written: Partial<typeof fields>): void => change({ type: "written", id, fields: written });
  const save = (): void => {
    if (isWrong || isSaving) return;
    if (isGone) {
      const { title, ...more } = { ...fields, ...changesOf(edit, row) };
      const made = acts.addItem(edit.seen.list_id, { title, ...more });
      change({ type: "added", id: made });
      change({ type: "edited", id });
      change({ type: "wanted", id: made });
      return;
    }
    const click = acts.update(row, changesOf(edit, row));
    if (click === null) close();
    else change({ type: "saving", id, click });
  };
  const key = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys of its fields
    <form
      className="editor"
      data-testid="editor"
      aria-label={texts.board.editing(edit.seen.title)}
      ref={form}
      onKeyDown={key}
      onSubmit={(event: SubmitEvent) => {
        event.preventDefault();
        save();
      }}
    >
      {isGone ? <p className="editor-note" role="alert" data-tone="warn">{texts.board.goneMeanwhile}</p> : !isSaving && !isSaved && <ChangedElsewhere edit={edit} row={row} />}
      <div className="field">
        <label htmlFor={`title-${id}`}>{texts.board.itemTitle}</label>
        <input
          className="input"
          id={`title-${id}`}
          name="title"
          dir="auto"
          autoComplete="off"
          enterKeyHint="done"
          value={fields.title}
          aria-invalid={over !== 0}
          aria-describedby={over === 0 ? undefined : `title-problem-${id}`}
          onChange={(event) => write({ title: event.target.value })}
        />
        {over !== 0 && (
          <p className="field-problem" id={`title-problem-${id}`} role="alert">
            {over === null ? texts.board.titleEmpty : texts.board.tooLong(over)}
          </p>
        )}
      </div>
      <div className="field">
        <label htmlFor={`notes-${id}`}>{texts.board.notes}</label>
        <textarea
          className="input"
          id={`notes-${id}`}
          dir="auto"
          rows={2}
          value={fields.notes}
          aria-invalid={notesOver(fields.notes) > 0}
          onChange={(event) => write({ notes: event.target.value })}
        />
        {notesOver(fields.notes) > 0 && <p className="field-problem" role="alert">{texts.board.tooLong(notesOver(fields.notes))}</p>}
      </div>
      <DueFields id={id} due={fields.due} write={(due) => write({ due })} />
      <div className="field editor-priority">
        <label htmlFor={`priority-${id}`}>{texts.board.priority}</label>
        <select
          className="input"
          id={`priority-${id}`}
          value={fields.priority}
          onChange={({ target }) => write({ priority: PRIORITIES[target.selectedIndex] ?? "none" })}
        >
          {PRIORITIES.map((priority) => (
            <option key={priority} value={priority}>
              {texts.board.priorityNames[priority]}
            </option>
          ))}
        </select>
      </div>
      <div className="editor-foot">
        {saving !== undefined && !isSaved && (
          <p className="editor-state" role="status" data-testid="editor-state" data-tone={isSaving ? undefined : "bad"}>
            {clickWords(saving)}
          </p>
        )}
        <button type="button" className="button" onClick={close}>
          {isSaving ? texts.board.close : texts.board.cancel}
        </button>
        <button type="submit" className="button button-primary" disabled={isWrong || isSaving || (isGone && !isHome)}>
          {isGone ? texts.board.addAgain : texts.board.save}
        </button>
      </div>
    </form>
  );
}

function DueFields({ id, due, write }: { readonly id: string; readonly due: string | null; readonly write: (due: string | null) => void }): ReactNode {
  const day = due === null ? "" : dayOf(due);
  const time = due === null ? "" : timeOf(due);
  const [today] = useState(() => localDay(new Date()));
  const quick: readonly (readonly [string, string | null])[] = [
    [texts.board.today, today],
    [texts.board.tomorrow, dayAfter(today, 1)],
    [texts.board.nextWeek, dayAfter(today, 7)],
    [texts.board.noDate, null],
  ];
  return (
    <div className="editor-due">
      <div className="field">
        <label htmlFor={`due-${id}`}>{texts.board.due}</label>
        <input className="input" type="date" id={`due-${id}`} max={LAST_DAY} value={day} onChange={(event) => write(dueFrom(event.target.value, time))} />
      </div>
      <div className="field">
        <label htmlFor={`time-${id}`}>{texts.board.time}</label>
        <input
          className="input"
          type="time"
          id={`time-${id}`}
          value={time}
          disabled={day === ""}
          onChange={(event) => write(dueFrom(day, event.target.value))}
        />
      </div>
      <div className="editor-quick">
        {quick.map(([label, chosen]) => (
          <button
            key={label}
            type="button"
            className="button button-quiet button-small"
            aria-pressed={chosen === (day === "" ? null : day)}
            onClick={() => write(chosen === null ? null : dueFrom(chosen, time))}
          >
            {label}
          </button>
        ))}
      </div>
    </div>
  );
}

function valueWords(row: TodoItem, field: Field): string {
  if (field === "due") return row.due === null ? texts.board.none : dueLabel(row.due, new Date());
  if (field === "priority") return texts.board.priorityNames[row.priority];
  return row[field] === "" ? texts.board.none : quoted(row[field]);
}

const FIELD_NAMES = { title: texts.board.itemTitle, notes: texts.board.notes, due: texts.board.due, priority: texts.board.priority } as const;

function ChangedElsewhere({ edit, row }: { readonly edit: Edit; readonly row: TodoItem }): ReactNode {
  const { change } = useBoard();
  const changed = changedElsewhere(edit, row);
  if (changed.length === 0) return null;
  return (
    <div className="editor-note" role="alert" data-testid="changed-elsewhere" data-tone="warn">
      <p>{texts.board.changedMeanwhile}</p>
      <ul>
        {changed.map((field) => (
          <li key={field}>{texts.board.changedField(FIELD_NAMES[field], valueWords(row, field))}</li>
        ))}
      </ul>
      <p>{texts.board.keptYours}</p>
      <button type="button" className="button button-small" onClick={() => change({ type: "taken", item: row })}>
        {texts.board.takeTheirs}
      </button>
    </div>
  );
}
