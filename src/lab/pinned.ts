/** A scenario's text with the image as it was found: whoever runs the copy again starts the same bytes, or is told that they are gone. Pure. */
import { parseDocument } from 'yaml';

/** `image`: its name with a digest; absent: the scenario has a root file system instead, and stays as it is. */
export function pinned(text: string, image: string | undefined): string {
  if (image === undefined) return text;
  const document = parseDocument(text);
  document.setIn(['payload', 'image'], image);
  return document.toString({ lineWidth: 0 });
}
