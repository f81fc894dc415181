/**
 * Runs a command that Ctrl-C asks to end at its next step, with what it has so far; a second one ends it at once.
 * The exit code is then 130.
 */
export async function interruptible(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  const stop = () => {
    if (interrupted.signal.aborted) {
      process.stdout.write("\x1b[?25h\x1b[?7h\n"); // a bar hides the cursor
      process.exit(130);
    }
    interrupted.abort();
  };
  process.on("SIGINT", stop);
  try {
    await body(interrupted.signal);
  } finally {
    process.removeListener("SIGINT", stop);
    if (interrupted.signal.aborted) {
      console.error("interrupted");
      process.exitCode = 130;
    }
  }
}
