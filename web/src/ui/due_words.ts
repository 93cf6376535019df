/** Due dates in words that people use. Pure but for the reader's zone and language. */

import { daysBetween, dayOf, isMoment, localDay, timeOf } from "../store/due";
import { texts } from "./texts";

const WEEK_DAYS = 7;

/** "Today", "Tomorrow 14:30", "Friday", "3 December", "3 December 2027". */
export function dueLabel(due: string, now: Date): string {
  const day = dayOf(due);
  const time = isMoment(due) ? ` ${timeOf(due)}` : "";
  return dayLabel(day, localDay(now)) + time;
}

/** The same day whenever it is read, for what is kept: "3 Dec 2026", "3 Dec 2026 14:30". */
export function dueInFull(due: string): string {
  const time = isMoment(due) ? ` ${timeOf(due)}` : "";
  return dateLabel(dayOf(due), true) + time;
}

function dayLabel(day: string, today: string): string {
  const days = daysBetween(today, day);
  if (days === 0) return texts.board.today;
  if (days === 1) return texts.board.tomorrow;
  if (days === -1) return texts.board.yesterday;
  if (days > 1 && days < WEEK_DAYS) return noonOf(day).toLocaleDateString(undefined, { weekday: "long" });
  return dateLabel(day, day.slice(0, 4) !== today.slice(0, 4));
}

function dateLabel(day: string, withYear: boolean): string {
  return noonOf(day).toLocaleDateString(undefined, { day: "numeric", month: "short", ...(withYear ? { year: "numeric" } : {}) });
}

// No change of the clocks moves it to another day.
function noonOf(day: string): Date {
  return new Date(`${day}T12:00`);
}
