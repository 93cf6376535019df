/** Identifiers that the page mints. */

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then random bits. */
export function uuid7(nowMs: number = Date.now()): string {
  const bytes = randomBytes(16);
  new DataView(bytes.buffer).setUint32(0, Math.floor(nowMs / 2 ** 16));
  new DataView(bytes.buffer).setUint16(4, nowMs % 2 ** 16);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const digits = hex(bytes);
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => digits.slice(from, to)).join("-");
}

/** A `traceparent` of W3C Trace Context that begins a trace, sampled. */
export function traceparent(): string {
  return `00-${hex(randomBytes(16))}-${hex(randomBytes(8))}-01`;
}

const ROW_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"; // as contracts.tokens: people and models copy these

/** The id of a new list (`l`) or item (`i`): ten letters of thirty behind its kind. */
export function newRowId(kind: "l" | "i"): string {
  let letters = "";
  while (letters.length < 10) {
    // Above 239 the first letters would come up more often than the others.
    for (const byte of randomBytes(16)) if (byte < 240 && letters.length < 10) letters += ROW_LETTERS.charAt(byte % 30);
  }
  return kind + letters;
}
