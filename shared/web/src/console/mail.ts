// The HTML of a message as nodes that are shown and do nothing: no script, no handler, no link, no form, no image. Only what is named here
// is taken over.

// `style` is here: as an attribute, the Content-Security-Policy of the page refuses it; what is set by script is permitted.
const ATTRIBUTES = ["align", "bgcolor", "border", "cellpadding", "cellspacing", "color", "colspan", "dir", "face", "height", "hidden", "lang", "role", "rowspan", "size", "valign", "width"];
const ELEMENTS = new Set(
  "a abbr address b blockquote br caption center code dd del div dl dt em font h1 h2 h3 h4 h5 h6 hr i ins li ol p pre s small span strong sub sup table tbody td tfoot th thead tr u ul".split(" "),
);
// What is in others, such as the text of a button, is shown.
const LEFT_OUT = new Set("applet audio canvas embed frame frameset head iframe link math meta noembed noframes noscript object script select style svg template textarea title video".split(" "));

const STYLE = "data-style";
// What is left out as a whole, or a tag with its attributes, whose values may have a > in quotes.
const UNREAD = /<!--[\s\S]*?-->|<style\b[\s\S]*?<\/style\s*>/gi;
const TAG = /<[a-z](?:"[^"]*"|'[^']*'|[^"'<>])*>/gi;
const VALUE = /\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+)/.source;
const HANDLER = new RegExp(`[\\s/"']on[a-z]+${VALUE}`, "gi");

/**
 * Renames inline styles, and removes other styles and handlers. The Content-Security-Policy refuses all of them wherever HTML is read, and
 * browsers report each one as a violation; what is missed here is reported, and has no effect either.
 */
export function disarm(html: string): string {
  return html.replaceAll(UNREAD, "").replaceAll(TAG, (tag) => tag.replaceAll(HANDLER, " ").replaceAll(/([\s"'/])style(?=\s*=)/gi, `$1${STYLE}`));
}

interface Policy {
  createHTML: (text: string) => string;
}

// The pages require that whatever reads HTML gets it from a policy. This one serves the empty page below, and a document that is not shown.
const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy: (name: string, policy: Policy) => Policy } };
const policy: Policy = trustedTypes?.createPolicy("mail", { createHTML: disarm }) ?? { createHTML: disarm };

/**
 * A page without content, whose policy loads nothing: no address in a style either. Without the type of the document, tables would not have the
 * font of what is around them.
 */
export const EMPTY_PAGE = policy.createHTML(`<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'">`);

/** Shows a message as the content of a page, and returns it. */
export function show(html: string, page: Document): HTMLElement {
  const read = new DOMParser().parseFromString(policy.createHTML(html), "text/html");
  const content = page.createElement("div");
  page.documentElement.lang = read.documentElement.lang;
  page.body.style.margin = "0";
  copyAttributes(read.body, content);
  // Margins inside belong to its height.
  content.style.cssText = `display: flow-root; ${styleOf(read.body)}`;
  copyAll(read.body, content);
  page.body.replaceChildren(content);
  return content;
}

/** Its style without what would be loaded: a declaration with such an address has no effect. */
function styleOf(element: Element): string {
  return (element.getAttribute(STYLE) ?? "").replaceAll(/(?:url|image-set)\s*\(/gi, "refused(");
}

function copyAttributes(from: Element, to: Element): void {
  for (const attribute of ATTRIBUTES) {
    const value = from.getAttribute(attribute);
    if (value !== null) to.setAttribute(attribute, value);
  }
}

function copyAll(from: Element, to: Element): void {
  for (const node of from.childNodes) {
    if (node instanceof Text) to.append(node.data);
    else if (node instanceof Element && !LEFT_OUT.has(node.localName)) copy(node, to);
  }
}

function copy(element: Element, to: Element): void {
  const name = element.localName;
  if (name === "img") to.append(element.getAttribute("alt") ?? "");
  if (!ELEMENTS.has(name)) return copyAll(element, to);
  const made = to.ownerDocument.createElement(name);
  copyAttributes(element, made);
  const look = name === "a" ? "color: #00e; text-decoration: underline; " : "";
  made.style.cssText = look + styleOf(element);
  copyAll(element, made);
  to.append(made);
}
