import { describe, expect, it } from "vitest";

const SOURCES = import.meta.glob<string>("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
// A reason's words, or an attribute's that is read or shown, as a literal where it is used.
const LITERAL = /\bdetail(?::| =) ["`][^"`]*[a-z]|\b(?:aria-label|placeholder|title|alt)="[^"]*[a-z]/g;

describe("the texts of the page", () => {
  it("stand in one file, reasons and labels as well", () => {
    const elsewhere = Object.entries(SOURCES)
      .filter(([path]) => !path.endsWith("/ui/texts.ts"))
      .flatMap(([path, source]) => [...source.matchAll(LITERAL)].map(([found]) => `${path}: ${found}`));
    expect(Object.keys(SOURCES).length).toBeGreaterThan(50);
    expect(elsewhere).toEqual([]);
  });
});
