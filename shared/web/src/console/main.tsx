import { render } from "preact";
import { choose, preferred } from "../core/i18n/index.ts";
import { restore } from "../core/session.ts";
import "../ui/style.css";
import { App } from "./app.tsx";

void restore();
await choose(preferred());
const root = document.getElementById("app");
root?.replaceChildren();
if (root) render(<App />, root);
