/** `vlab … | head -1`: the reader has gone. The work goes on to its own end, and nobody is told about it. */
export function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
