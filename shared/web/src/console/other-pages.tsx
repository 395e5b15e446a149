import type { JSX } from "preact";
import { t } from "../core/i18n/index.ts";
import { OtherPage } from "../ui/page.tsx";
import { c } from "./texts/index.ts";

export function NotFound(): JSX.Element {
  return <OtherPage title={t().notFoundTitle} text={t().notFoundText} to="/console/" label={c().toOrders} />;
}

export function AdminsOnly(): JSX.Element {
  return <OtherPage title={c().adminsOnlyTitle} text={c().adminsOnly} to="/console/" label={c().toOrders} />;
}
