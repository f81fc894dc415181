// Writes more into a file, by `writeFile`, than is done before a signal arrives: the path is the argument.
import { writeFile } from "../../engine/io/files.node.ts";

const content = new Uint8Array(1 << 29);
setTimeout(() => console.log("writing"), 30);
await writeFile(process.argv[2], content);
console.log("written");
