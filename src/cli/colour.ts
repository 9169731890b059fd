/**
 * Whether to colour what goes to `stream`: FORCE_COLOR beats NO_COLOR (no-color.org, force-color.org), which beats the
 * question whether it is a terminal. FORCE_COLOR=0 means no.
 */
export function colourWanted(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return stream.isTTY === true && env.TERM !== 'dumb';
}
