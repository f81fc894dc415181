// Licences of the packages that are bundled, as these ask for.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The text of `THIRD_PARTY_LICENSES`. Throws where a package does not say under which licence it is. */
export function licencesOf(folders) {
  const parts = folders.map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (!license) throw new Error(`${name} ${version} is bundled but names no licence`);
    const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    const text = file
      ? readFileSync(join(folder, file), "utf8").trim()
      : `${license} licence, by ${author?.name ?? author}; the package has no licence file.`;
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return [
    "This package contains the following packages, in dist/packages and in the modules that use them.\n",
    ...parts,
  ].join(`\n${"-".repeat(78)}\n\n`);
}
