import { spawn } from "node:child_process";

/** Runs Node on a program in this terminal, its stdout on stderr if `quiet`; resolves to its exit code. */
export const runNode = (args: readonly string[], { quiet = false } = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const ignore = () => {}; // Ctrl-C reaches the program too, which ends in order
    process.on("SIGINT", ignore);
    spawn(process.execPath, args, { stdio: ["inherit", quiet ? 2 : "inherit", "inherit"] })
      .on("error", reject)
      .on("exit", (code, signal) => {
        process.off("SIGINT", ignore);
        resolve(code ?? (signal === "SIGINT" ? 130 : 1));
      });
  });
