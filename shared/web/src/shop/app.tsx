// The frame of the shop: header, pages, and the login over a page whose session has ended.

import { QueryClientProvider } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from "preact-iso";
import { queries } from "../core/client.ts";
import { number, t } from "../core/i18n/index.ts";
import { caller, isRestored } from "../core/session.ts";
import { ExpiredSession } from "../ui/expired-session.tsx";
import { Frame } from "../ui/frame.tsx";
import { lazyPage } from "../ui/lazy-page.tsx";
import { Guard, Loading, NotFound } from "../ui/page.tsx";
import { count } from "./basket.ts";
import { ProductList } from "./pages/product-list.tsx";

export const ProductPage = lazyPage(() => import("./pages/product.tsx").then((page) => page.ProductPage));
const BasketPage = lazyPage(() => import("./pages/basket.tsx").then((page) => page.BasketPage));
const CheckoutPage = lazyPage(() => import("./pages/checkout.tsx").then((page) => page.CheckoutPage));
const OrderPage = lazyPage(() => import("./pages/order.tsx").then((page) => page.OrderPage));
const OrdersPage = lazyPage(() => import("./pages/orders.tsx").then((page) => page.OrdersPage));
const LoginPage = lazyPage(() => import("./pages/login.tsx").then((page) => page.LoginPage));
const RegisterPage = lazyPage(() => import("./pages/login.tsx").then((page) => page.RegisterPage));
const ResetPage = lazyPage(() => import("./pages/reset.tsx").then((page) => page.ResetPage));
const VerifyPage = lazyPage(() => import("./pages/verify.tsx").then((page) => page.VerifyPage));
const AccountPage = lazyPage(() => import("./pages/account.tsx").then((page) => page.AccountPage));

export function App(): JSX.Element {
  return (
    <QueryClientProvider client={queries}>
      <LocationProvider scope={/^\/(?!console|docs|api|openapi|asyncapi)/}>
        <Shop />
        <ExpiredSession />
      </LocationProvider>
    </QueryClientProvider>
  );
}

function Shop(): JSX.Element {
  const { path } = useLocation();
  const isKnown = isRestored.value;
  return (
    <Frame name={t().shopName} navigation={<Navigation />}>
      <Guard path={path}>
        {isKnown ? (
          <ErrorBoundary>
            <Router onRouteChange={() => scrollTo(0, 0)}>
              <Route path="/" component={ProductList} />
              <Route path="/products/:id" component={ProductPage} />
              <Route path="/basket" component={BasketPage} />
              <Route path="/checkout" component={CheckoutPage} />
              <Route path="/orders" component={OrdersPage} />
              <Route path="/orders/:id" component={OrderPage} />
              <Route path="/login" component={LoginPage} />
              <Route path="/register" component={RegisterPage} />
              <Route path="/password" component={ResetPage} />
              <Route path="/verify" component={VerifyPage} />
              <Route path="/account" component={AccountPage} />
              <Route default component={NotFound} />
            </Router>
          </ErrorBoundary>
        ) : (
          <Loading />
        )}
      </Guard>
    </Frame>
  );
}

function Navigation(): JSX.Element {
  const { path } = useLocation();
  const items = count.value;
  const link = (to: string, label: string): JSX.Element => (
    <a href={to} aria-current={path === to ? "page" : undefined}>
      {label}
    </a>
  );
  const user = caller.value;
  return (
    <>
      {link("/", t().nav.products)}
      <a href="/basket" aria-current={path === "/basket" ? "page" : undefined}>
        {t().nav.basket}
        {items > 0 && (
          <span class="badge">
            {number(items)}
            <span class="spoken"> {t().items(items)}</span>
          </span>
        )}
      </a>
      {user ? (
        <>
          {user.role === "customer" ? link("/orders", t().nav.orders) : <a href="/console/">{t().nav.console}</a>}
          {link("/account", t().nav.account)}
        </>
      ) : (
        link("/login", t().nav.logIn)
      )}
    </>
  );
}
