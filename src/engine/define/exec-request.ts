/** What `exec` was asked for. */
export interface ExecRequest {
  args: string[];
  tty: boolean;
  interactive: boolean;
  detach: boolean;
  /** `NAME=VALUE`, over the container's. */
  env: string[];
  /** In place of the container's. */
  user?: string;
  cwd?: string;
  privileged: boolean;
  detachKeys?: string;
}
