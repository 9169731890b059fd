/** Where vlab-keep (src/sys/vlab-keep.c) and the plan of the end find what the plan of the start leaves them. */

/** Descriptors of the monitor, from the moment on that its program runs: far behind those that a start needs. */
export const KEEP = {
  /** The way to who started it; at its other end there may be nobody. */
  caller: 200,
  pidfd: 201,
  listener: 202,
  /** The terminal, or a pipe. */
  output: 203,
  errors: 204,
  input: 205,
  logDirectory: 206,
  /** The record of the end, under its first name; what follows its first two parts is to be written. */
  exitFile: 207,
  performer: 208,
  endPlan: 209,
} as const;

/** In the directory of the container's sockets. */
export const ATTACH_SOCKET = 'attach';

/** Before the record of the end is whole. */
export const NEW_EXIT = '.exit.new';
