/** Due dates: a day, or a moment with its offset, in the reader's own zone. Pure but for that zone. */

const DAY_MS = 86_400_000;

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** The day of a moment in the reader's zone, as `2026-11-30`. */
export function localDay(moment: Date): string {
  return `${String(moment.getFullYear()).padStart(4, "0")}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

/** Whether it names a moment, not a whole day. */
export function isMoment(due: string): boolean {
  return due.includes("T");
}

/** The day that something is due on, in the reader's zone. */
export function dayOf(due: string): string {
  return isMoment(due) ? localDay(new Date(due)) : due;
}

/** `14:30` of a moment, in the reader's zone; empty for a day. */
export function timeOf(due: string): string {
  if (!isMoment(due)) return "";
  const moment = new Date(due);
  return `${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** From one day to the other; negative where the other is before. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}

/** A day `days` after another one. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The last day that can be stored: a year has four digits. */
export const LAST_DAY = "9999-12-31";

/** What two fields say: a day and perhaps a time of it in the reader's zone. Null without a day, or where there is none such. */
export function dueFrom(day: string, time: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null; // a field of a browser takes years of six digits
  const moment = new Date(`${day}T${time === "" ? "12:00" : time}`);
  if (Number.isNaN(moment.getTime())) return null;
  const due = time === "" ? day : moment.toISOString();
  return /^\d{4}-/.test(due) ? due : null; // the last evening of that year may be in the next one in UTC
}

/** Whether it should have been done by now. A day is over when the next one begins. */
export function isOverdue(due: string, now: Date): boolean {
  return isMoment(due) ? Date.parse(due) < now.getTime() : daysBetween(localDay(now), due) < 0;
}
