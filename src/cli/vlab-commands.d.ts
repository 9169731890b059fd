/** Written by scripts/build.mjs from the files below src/cli/commands. */
declare module 'vlab:commands' {
  export const COMMANDS: Record<string, () => Promise<{ default: unknown }>>;
}
