import { useId, useState, type ChangeEvent, type Dispatch, type ReactNode, type RefObject } from "react";

import type { ViewEvent } from "../store/board_view";
import { isFiltering, type DueWanted, type Filter, type PriorityWanted, type StateWanted } from "../store/filter";
import { Icon } from "./icons";
import { texts } from "./texts";

const STATES: readonly StateWanted[] = ["all", "open", "done"];
const DUES: readonly DueWanted[] = ["any", "overdue", "today", "week", "some", "none"];
const PRIORITIES: readonly PriorityWanted[] = ["any", "low", "medium", "high"];

interface BoardToolsProps {
  readonly filter: Filter;
  readonly change: Dispatch<ViewEvent>;
  readonly search: RefObject<HTMLInputElement | null>;
  /** How many rows are left, and of how many. */
  readonly count: number;
  readonly all: number;
}

/** What is looked for on the board. */
export function BoardTools({ filter, change, search, count, all }: BoardToolsProps): ReactNode {
  const words = texts.board;
  const set = (wanted: Partial<Filter>): void => change({ type: "filtered", filter: wanted });
  const isOn = isFiltering(filter);
  const [isOpen, setOpen] = useState(false);
  const filtersId = useId();
  return (
    <div className="board-tools" role="search" data-open={isOpen || isFiltering({ ...filter, text: "" })} aria-label={words.search}>
      <span className="board-search">
        <Icon name="search" />
        <input
          className="input"
          type="search"
          ref={search}
          dir="auto"
          value={filter.text}
          placeholder={words.searchHint}
          aria-label={words.searchHint}
          autoComplete="off"
          onChange={(event) => set({ text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
            event.preventDefault();
            if (filter.text === "") search.current?.blur();
            else set({ text: "" });
          }}
        />
      </span>
      <button
        type="button"
        className="icon-button board-filter-toggle"
        aria-label={words.filter}
        aria-expanded={isOpen}
        aria-controls={filtersId}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="filter" />
      </button>
      <span className="board-filters" id={filtersId}>
        <span className="board-states" role="group" aria-label={words.filterState}>
          {STATES.map((state) => (
            <button key={state} type="button" aria-pressed={filter.state === state} onClick={() => set({ state })}>
              {words.states[state]}
            </button>
          ))}
        </span>
        <Choice label={words.filterDue} value={filter.due} options={DUES} names={words.dues} choose={(due) => set({ due })} />
        <Choice
          label={words.filterPriority}
          value={filter.priority}
          options={PRIORITIES}
          names={words.priorities}
          choose={(priority) => set({ priority })}
        />
      </span>
      <span className="board-found" role="status">
        {isOn && words.shown(count, all)}
      </span>
      {isOn && (
        <button
          type="button"
          className="button button-quiet button-small"
          onClick={() => {
            set({ text: "", state: "all", due: "any", priority: "any" });
            search.current?.focus();
          }}
        >
          {words.clear}
        </button>
      )}
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly Value[];
  readonly names: Readonly<Record<Value, string>>;
  readonly choose: (value: Value) => void;
}

function Choice<Value extends string>({ label, value, options, names, choose }: ChoiceProps<Value>): ReactNode {
  const chosen = ({ target }: ChangeEvent<HTMLSelectElement>): void => {
    const option = options[target.selectedIndex];
    if (option !== undefined) choose(option);
  };
  return (
    <select className="input board-choice" aria-label={label} value={value} data-on={value !== options[0]} onChange={chosen}>
      {options.map((option) => (
        <option key={option} value={option}>
          {names[option]}
        </option>
      ))}
    </select>
  );
}
