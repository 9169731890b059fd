/** Something that was tried on this machine, and how it went. */
export interface Attempt {
  works: boolean;
  /** What was seen: the version, or the message of the failure. */
  detail: string;
}

/** The last line that a failed command said; its first line is often only usage. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
