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

function dayLabel(day: string, today: string): string {
  const days = daysBetween(today, day);
  if (days === 0) return texts.board.today;
  if (days === 1) return texts.board.tomorrow;
  if (days === -1) return texts.board.yesterday;
  const noon = new Date(`${day}T12:00`); // no change of the clocks moves it to another day
  if (days > 1 && days < WEEK_DAYS) return noon.toLocaleDateString(undefined, { weekday: "long" });
  const isThisYear = day.slice(0, 4) === today.slice(0, 4);
  return noon.toLocaleDateString(undefined, { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) });
}
