/** Where the next page of a list is: the Link header (RFC 8288; distribution-spec, "Listing Tags"). */

const LINK = /<([^<>]*)>((?:[^,"<]|"(?:[^"\\]|\\.)*")*)/gs;
const RELATION = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/is;

/** The target of the first link with the relation `next`, as it stands there (often relative), or undefined. */
export function nextLink(header: string | null): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(LINK)) {
    const relation = RELATION.exec(parameters);
    const names = (relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/);
    if (names.includes('next')) return target;
  }
  return undefined;
}
