import { render } from "preact";
import { queries } from "../core/client.ts";
import { choose, preferred } from "../core/i18n/index.ts";
import { restore } from "../core/session.ts";
import "../ui/style.css";
import { App, ProductPage } from "./app.tsx";
import { product } from "./reads.ts";

// Many visitors arrive at a product: its page and data are on their way while the language and the session are found out.
const [, shown] = /^\/products\/([^/]+)$/.exec(location.pathname) ?? [];
if (shown) {
  void ProductPage.preload();
  void queries.prefetchQuery(product(shown));
}
void restore();
await choose(preferred());
const root = document.getElementById("app");
root?.replaceChildren();
if (root) render(<App />, root);
