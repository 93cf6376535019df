/**
 * Every text of the page, in one place: another language is another object of this shape.
 *
 * Sections follow the page's parts. What depends on a number or a name is a function of it.
 */

export const texts = {
  app: {},
  chat: {},
  turn: {},
  receipt: {},
  board: {},
  connection: {},
  model: {},
  help: {},
} as const;
