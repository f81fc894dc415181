// HTML as tagged templates: whatever is put into one is escaped, unless it is markup itself.

/** Text that is HTML already. */
export interface Markup {
  readonly markup: string;
}
export const markup = (text: string): Markup => ({ markup: text });

type Content = string | number | Markup | undefined | readonly Content[];

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function render(content: Content): string {
  if (content === undefined) return "";
  if (Array.isArray(content)) return content.map(render).join("");
  if (typeof content === "object") return (content as Markup).markup;
  return String(content).replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** Markup with values put in, escaped; lists are joined, `undefined` is nothing. */
export const html = (parts: TemplateStringsArray, ...contents: Content[]): Markup =>
  markup(String.raw({ raw: parts }, ...contents.map(render)));
