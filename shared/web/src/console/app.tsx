// The frame of the console: what a staff account sees after its login.

import { QueryClientProvider } from "@tanstack/preact-query";
import type { ComponentType, JSX } from "preact";
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from "preact-iso";
import { queries } from "../core/client.ts";
import { t } from "../core/i18n/index.ts";
import { caller, isRestored } from "../core/session.ts";
import { ExpiredSession } from "../ui/expired-session.tsx";
import { Frame } from "../ui/frame.tsx";
import { lazyPage } from "../ui/lazy-page.tsx";
import { LogOut } from "../ui/log-out.tsx";
import { Guard, Loading, Title } from "../ui/page.tsx";
import { AdminsOnly, NotFound } from "./other-pages.tsx";
import { ConsoleLogin } from "./pages/login.tsx";
import { OrderList } from "./pages/order-list.tsx";
import { c } from "./texts/index.ts";

const OrderPage = lazyPage(() => import("./pages/order.tsx").then((page) => page.OrderPage));
const ProductList = lazyPage(() => import("./pages/product-list.tsx").then((page) => page.ProductList));
const NewProduct = lazyPage(() => import("./pages/product.tsx").then((page) => page.NewProduct));
const ProductPage = lazyPage(() => import("./pages/product.tsx").then((page) => page.ProductPage));
const TransfersPage = lazyPage(() => import("./pages/transfers.tsx").then((page) => page.TransfersPage));
const ImportPage = lazyPage(() => import("./pages/transfers.tsx").then((page) => page.ImportPage));
const ExportPage = lazyPage(() => import("./pages/transfers.tsx").then((page) => page.ExportPage));
const CustomerList = lazyPage(() => import("./pages/customers.tsx").then((page) => page.CustomerList));
const CustomerPage = lazyPage(() => import("./pages/customers.tsx").then((page) => page.CustomerPage));
const AnalyticsPage = lazyPage(() => import("./pages/analytics.tsx").then((page) => page.AnalyticsPage));
const SummaryPage = lazyPage(() => import("./pages/summary.tsx").then((page) => page.SummaryPage));
const PaymentsPage = lazyPage(() => import("./pages/payments.tsx").then((page) => page.PaymentsPage));
const PaymentPage = lazyPage(() => import("./pages/payments.tsx").then((page) => page.PaymentPage));
const LedgerPage = lazyPage(() => import("./pages/ledger.tsx").then((page) => page.LedgerPage));
const WebhookList = lazyPage(() => import("./pages/webhooks.tsx").then((page) => page.WebhookList));
const WebhookPage = lazyPage(() => import("./pages/webhooks.tsx").then((page) => page.WebhookPage));
const RecordsPage = lazyPage(() => import("./pages/records.tsx").then((page) => page.RecordsPage));
const RecordPage = lazyPage(() => import("./pages/records.tsx").then((page) => page.RecordPage));
const SourcePage = lazyPage(() => import("./pages/source.tsx").then((page) => page.SourcePage));
const TemplateList = lazyPage(() => import("./pages/templates.tsx").then((page) => page.TemplateList));
const TemplatePage = lazyPage(() => import("./pages/templates.tsx").then((page) => page.TemplatePage));
const OperationsPage = lazyPage(() => import("./pages/operations.tsx").then((page) => page.OperationsPage));
const DeadLettersPage = lazyPage(() => import("./pages/dead-letters.tsx").then((page) => page.DeadLettersPage));
const ReplayPage = lazyPage(() => import("./pages/replay.tsx").then((page) => page.ReplayPage));
const SettingsPage = lazyPage(() => import("./pages/settings.tsx").then((page) => page.SettingsPage));
const ClientsPage = lazyPage(() => import("./pages/clients.tsx").then((page) => page.ClientsPage));
const SecurityPage = lazyPage(() => import("./pages/security.tsx").then((page) => page.SecurityPage));

export function App(): JSX.Element {
  return (
    <QueryClientProvider client={queries}>
      <LocationProvider scope="/console/">
        <Console />
        <ExpiredSession />
      </LocationProvider>
    </QueryClientProvider>
  );
}

function Console(): JSX.Element {
  const { path } = useLocation();
  const user = caller.value;
  const isStaff = user !== null && user.role !== "customer";
  return (
    <Frame name={c().name} home="/console/" navigation={isStaff && <Navigation />}>
      <Guard path={path}>{isRestored.value ? isStaff ? <Pages /> : <Outside isCustomer={user !== null} /> : <Loading />}</Guard>
    </Frame>
  );
}

function Outside({ isCustomer }: { isCustomer: boolean }): JSX.Element {
  if (!isCustomer) return <ConsoleLogin />;
  return (
    <>
      <Title>{c().name}</Title>
      <p>{c().staffOnly}</p>
      <div class="actions">
        <LogOut />
        <a href="/">{t().toStart}</a>
      </div>
    </>
  );
}

function Pages(): JSX.Element {
  return (
    <ErrorBoundary>
      <Router onRouteChange={() => scrollTo(0, 0)}>
        <Route path="/console/" component={OrderList} />
        <Route path="/console/orders/:id" component={OrderPage} />
        <Route path="/console/products" component={ProductList} />
        <Route path="/console/products/new" component={NewProduct} />
        <Route path="/console/products/transfers" component={TransfersPage} />
        <Route path="/console/products/imports/:id" component={ImportPage} />
        <Route path="/console/products/exports/:id" component={ExportPage} />
        <Route path="/console/products/:id" component={ProductPage} />
        <Route path="/console/customers" component={CustomerList} />
        <Route path="/console/customers/:id" component={CustomerPage} />
        <Route path="/console/payments" component={PaymentsPage} />
        <Route path="/console/payments/:id" component={PaymentPage} />
        <Route path="/console/ledger" component={LedgerPage} />
        <Route path="/console/analytics" component={AnalyticsPage} />
        <Route path="/console/summary" component={SummaryPage} />
        <Route path="/console/webhooks" component={WebhookList} />
        <Route path="/console/webhooks/:id" component={WebhookPage} />
        <Route path="/console/records" component={RecordsPage} />
        <Route path="/console/records/:id" component={RecordPage} />
        <Route path="/console/sources/:name" component={SourcePage} />
        <Route path="/console/templates" component={TemplateList} />
        <Route path="/console/templates/:name/:locale" component={TemplatePage} />
        <Route path="/console/operations" component={forAdmins(OperationsPage)} />
        <Route path="/console/operations/replay" component={forAdmins(ReplayPage)} />
        <Route path="/console/operations/:name" component={forAdmins(DeadLettersPage)} />
        <Route path="/console/clients" component={forAdmins(ClientsPage)} />
        <Route path="/console/settings" component={forAdmins(SettingsPage)} />
        <Route path="/console/security" component={SecurityPage} />
        <Route default component={NotFound} />
      </Router>
    </ErrorBoundary>
  );
}

const isAdmin = (): boolean => caller.value?.role === "admin";

/** A page that the API refuses to other staff, who are told so. */
function forAdmins<P extends object>(Page: ComponentType<P>): ComponentType<P> {
  return (isAdmin() ? Page : AdminsOnly) as ComponentType<P>;
}

function Navigation(): JSX.Element {
  const { path } = useLocation();
  const items = [
    ["/console/", c().nav.orders],
    ["/console/products", c().nav.products],
    ["/console/customers", c().nav.customers],
    ["/console/payments", c().nav.payments],
    ["/console/ledger", c().nav.ledger],
    ["/console/analytics", c().nav.analytics],
    ["/console/summary", c().nav.summary],
    ["/console/templates", c().nav.templates],
    ["/console/webhooks", c().nav.webhooks],
    ["/console/records", c().nav.records],
    ...(isAdmin() ? ([["/console/operations", c().nav.operations], ["/console/clients", c().nav.clients], ["/console/settings", c().nav.settings]] as const) : []),
    ["/console/security", c().nav.security],
  ] as const;
  const isCurrent = (to: string): boolean => path.replace(/\/$/, "") === to.replace(/\/$/, "");
  return (
    <>
      {items.map(([to, label]) => (
        <a key={to} href={to} aria-current={isCurrent(to) ? "page" : undefined}>
          {label}
        </a>
      ))}
      <a href="/">{c().nav.shop}</a>
      <LogOut isLink />
    </>
  );
}
