// Reads the declarations of the package as the compiler wrote them, and finds types that public signatures name but no
// entry exports: users could not name them.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A declaration: `file#name`. */
type Place = string;

interface Module {
  /** Places of imported and declared names. */
  readonly names: ReadonlyMap<string, Place>;
  readonly exported: ReadonlyMap<string, Place>;
  readonly stars: readonly string[];
  /** Text of each declaration. */
  readonly texts: ReadonlyMap<string, string>;
}

const DECLARATION =
  /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|let|enum) (\w+)/;
const modules = new Map<string, Module>();

function read(file: string): Module {
  const known = modules.get(file);
  if (known) return known;
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  const at = (path: string) => join(dirname(file), path.replace(/\.js$/, ".d.ts"));
  const names = new Map<string, Place>();
  const exported = new Map<string, Place>();
  const listed = (list: string) => [...list.matchAll(/(?:type )?(\w+)(?: as (\w+))?/g)];
  for (const [, kind, list, path] of text.matchAll(
    /^(import|export) (?:type )?\{([^}]*)\} from "(\.[^"]*)";/gm,
  ))
    for (const [, name, alias = name] of listed(list))
      (kind === "import" ? names : exported).set(alias, `${at(path)}#${name}`);
  const stars = [...text.matchAll(/^export \* from "(\.[^"]*)";/gm)].map(([, path]) => at(path));
  const texts = new Map<string, string>();
  for (const part of text.split(/^(?=(?:export|declare|interface|type|import) )/m)) {
    const name = DECLARATION.exec(part)?.[1];
    if (!name) continue;
    names.set(name, `${file}#${name}`);
    if (part.startsWith("export")) exported.set(name, `${file}#${name}`);
    texts.set(name, `${texts.get(name) ?? ""}${part}`);
  }
  const made = { names, exported, stars, texts };
  modules.set(file, made);
  return made;
}

/** Where a place that may be an export of another module's is declared. */
function declared(place: Place): Place | undefined {
  const [file, name] = place.split("#");
  const { exported, texts, stars } = read(file);
  if (texts.has(name)) return place;
  const next = exported.get(name);
  if (next) return declared(next);
  for (const star of stars) {
    const found = declared(`${star}#${name}`);
    if (found) return found;
  }
  return undefined;
}

function exportsOf(file: string): readonly Place[] {
  const { exported, stars } = read(file);
  return [...[...exported.values()].map((place) => declared(place)!), ...stars.flatMap(exportsOf)];
}

/** Types that are missing, each as `name of file, in declaration`. `entries`: paths of the entries' declarations. */
export function missingTypes(entries: readonly string[]): readonly string[] {
  const open = new Set(entries.flatMap(exportsOf));
  const missing: string[] = [];
  for (const place of open) {
    const [file, declaration] = place.split("#");
    const { names, texts } = read(file);
    const text = texts.get(declaration)!.replace(/^ +(?:private|#private)\b.*$/gm, "");
    // types are written with a capital; a name before a colon is a member's
    for (const [, name] of text.matchAll(/(?<![.\w]|typeof )([A-Z]\w*)(?!\w|\??:)/g)) {
      const target = names.get(name);
      const found = target && declared(target);
      if (found && !open.has(found)) missing.push(`${name} of ${found.split("#")[0]}, in ${declaration}`);
    }
  }
  return [...new Set(missing)].sort();
}
