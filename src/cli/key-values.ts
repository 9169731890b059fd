/** `NAME=VALUE` of flags that may be given several times; without `=` the value is empty, as docker has it. Pure. */
export function keyValues(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
