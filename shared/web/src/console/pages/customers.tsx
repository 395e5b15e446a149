// Customers and colleagues: found by search, with their orders and what may be done about the account.

import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, queries, type Schemas } from "../../core/client.ts";
import { download } from "../../core/export.ts";
import { day, t } from "../../core/i18n/index.ts";
import { sendKeyed, useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { caller } from "../../core/session.ts";
import { isProblemOf } from "../../core/text.ts";
import { Action } from "../../ui/action.tsx";
import { Address } from "../../ui/address.tsx";
import { Field, Form, Saved, Select, TextArea, useFormKey } from "../../ui/form.tsx";
import { Paged, Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { NotFound } from "../other-pages.tsx";
import { foundUser, isId, MAX_SEARCH, MIN_SEARCH, orders, user as account, users, type Order, type User } from "../reads.ts";
import { c } from "../texts/index.ts";
import { OrderTable } from "./order-list.tsx";

export function CustomerList(): JSX.Element {
  const { query, route } = useLocation();
  const q = query["q"] ?? "";
  const list = useInfiniteQuery({ ...users(q), enabled: q !== "" });
  const [key, keep] = useFormKey(q);
  const isAdmin = caller.value?.role === "admin";
  const search = (values: Record<string, string>): void => {
    const text = values["q"]?.trim() ?? "";
    keep(text);
    route(`/console/customers?q=${encodeURIComponent(text)}`);
  };
  return (
    <>
      <Title>{c().customers.title}</Title>
      <Form key={key} class="filters" submit={t().products.search} onSubmit={search}>
        <Field name="q" label={c().customers.find} hint={c().customers.findHint} type="search" minLength={MIN_SEARCH} maxLength={MAX_SEARCH} defaultValue={q} required />
      </Form>
      {q === "" ? (
        <p class="empty">{c().customers.start}</p>
      ) : (
        <Paged query={list} empty={c().noMatch} isFound>
          {(items) => (
            <Table caption={c().customers.title} head={[c().customers.email, c().customers.username, c().customers.fullName, c().customers.role, c().status]}>
              {items.map((user) => (
                <tr key={user.id}>
                  <td>
                    <a href={`/console/customers/${user.id}`}>{user.email}</a>
                  </td>
                  <td>{user.username}</td>
                  <td>{user.full_name}</td>
                  <td>{c().codes.roles[user.role]}</td>
                  <td>{c().codes.accountStatuses[user.status]}</td>
                </tr>
              ))}
            </Table>
          )}
        </Paged>
      )}
      {isAdmin && <InviteColleague />}
    </>
  );
}

function InviteColleague(): JSX.Element {
  const invite = (body: Schemas["Invite"], key: string): Promise<User> => unwrap(api.POST("/api/v1/users/invite", { params: { header: { "Idempotency-Key": key } }, body }));
  const [version, setVersion] = useState(0);
  // Another click would invite the same person again.
  const inviting = useKeyed("POST /users/invite", invite, { onSuccess: () => setVersion((before) => before + 1) });
  const submit = (values: Record<string, string>): void => {
    const [email = "", username = "", full_name = ""] = ["/email", "/username", "/full_name"].map((name) => values[name]?.trim());
    inviting.mutate({ email, username, full_name: full_name || null, role: values["/role"] === "admin" ? "admin" : "staff" });
  };
  return (
    <details class="box">
      <summary>{c().customers.invite}</summary>
      <Form version={version} submit={c().customers.invite} isBusy={inviting.isPending} error={inviting.error} onSubmit={submit}>
        <Field name="/email" label={c().customers.email} type="email" required />
        <Field name="/username" label={c().customers.username} spellcheck={false} required />
        <Field name="/full_name" label={c().customers.fullName} />
        <Select name="/role" label={c().customers.role} required>
          <option value="staff">{c().codes.roles["staff"]}</option>
          <option value="admin">{c().codes.roles["admin"]}</option>
        </Select>
      </Form>
      <Saved isSaved={inviting.isSuccess} text={c().customers.invited} />
    </details>
  );
}

export function CustomerPage({ id }: { id: string }): JSX.Element {
  return isId(id) ? <Customer key={id} id={id} /> : <NotFound />;
}

function Customer({ id }: { id: string }): JSX.Element {
  const isAdmin = caller.value?.role === "admin";
  const known = foundUser(id);
  const query = useQuery({ ...account(id), enabled: isAdmin });
  // What was read before is not shown of an account that is erased.
  const isGone = isProblemOf(query.error, "not-found");
  const user = isGone ? undefined : (query.data ?? known);
  const list = useInfiniteQuery(orders({ user_id: id }));
  return (
    <div class="wide-sections">
      <Title>{user ? (user.full_name ?? user.username) : c().customer}</Title>
      {user ? (
        <Profile user={user} />
      ) : isGone ? (
        <p class="notice">{c().customers.gone}</p>
      ) : isAdmin ? (
        <Loaded query={query}>{() => null}</Loaded>
      ) : (
        <Recipient order={list.data?.pages[0]?.items[0]} />
      )}
      <section>
        <h2>{c().customers.orders}</h2>
        <Paged query={list} empty={c().none}>
          {(items) => <OrderTable orders={items} />}
        </Paged>
      </section>
      {user?.role === "customer" && <WriteMessage user={user} />}
      {user && isAdmin && user.id !== caller.value?.id && <AdminActions user={user} />}
    </div>
  );
}

/** What staff may see of somebody by id: where the last order goes, and the way to the account. */
function Recipient({ order }: { order: Order | undefined }): JSX.Element {
  const address = order?.shipping_address;
  const name = (address?.name ?? "").slice(0, MAX_SEARCH);
  const isSearchable = name.length >= MIN_SEARCH;
  return (
    <section>
      <p class="notice">{c().customers.profileForAdmins}</p>
      {address && (
        <>
          <h2>{c().customers.lastAddress}</h2>
          <Address value={address} />
        </>
      )}
      <p>
        <a href={isSearchable ? `/console/customers?q=${encodeURIComponent(name)}` : "/console/customers"}>{isSearchable ? c().customers.searchFor(name) : c().customers.search}</a>
      </p>
    </section>
  );
}

function Profile({ user }: { user: User }): JSX.Element {
  return (
    <section>
      <dl class="facts">
        <dt>{c().customers.email}</dt>
        <dd>
          <Contact key={user.email} user={user} kind="email" />
        </dd>
        {user.phone && (
          <>
            <dt>{c().customers.phone}</dt>
            <dd>
              <Contact key={user.phone} user={user} kind="phone" />
            </dd>
          </>
        )}
        <dt>{c().customers.username}</dt>
        <dd>{user.username}</dd>
        <dt>{c().customers.role}</dt>
        <dd>
          {c().codes.roles[user.role]}, {c().codes.accountStatuses[user.status]}
        </dd>
        <dt>{c().customers.since}</dt>
        <dd>{day(user.created_at)}</dd>
      </dl>
      {user.address && <Address value={user.address} />}
    </section>
  );
}

/** An address or a number, and whether it is verified; an admin sends another token to one that is not. */
function Contact({ user, kind }: { user: User; kind: Schemas["ContactKind"] }): JSX.Element {
  const [isKnown, setKnown] = useState(false);
  const isVerified = kind === "email" ? user.email_verified : user.phone_verified;
  const value = (kind === "email" ? user.email : user.phone) ?? "";
  const request = async (): Promise<void> => {
    const send = (key: string) => unwrap(api.POST("/api/v1/users/{id}/verification", { params: { path: { id: user.id }, header: { "Idempotency-Key": key } }, body: { channel: kind } }));
    try {
      await sendKeyed(`POST /users/${user.id}/verification ${kind} ${value}`, send);
    } catch (error) {
      if (!isProblemOf(error, "already-verified")) throw error;
      setKnown(true);
      await reload();
    }
  };
  return (
    <>
      <div class="actions">
        <span>
          {value} ({isVerified ? c().customers.verified : c().customers.unverified})
        </span>
        {!isVerified && caller.value?.role === "admin" && (
          <Action label={c().customers.sendCode} about={value} question={c().customers.sendCodeText(value)} done={isKnown ? "" : c().customers.sent} run={request} />
        )}
      </div>
      <div role="status">{isKnown && <p class="hint">{c().customers.alreadyVerified[kind]}</p>}</div>
    </>
  );
}

const CHANNELS = ["email", "sms", "push"] as const;

function WriteMessage({ user }: { user: User }): JSX.Element {
  const [version, setVersion] = useState(0);
  const send = (body: Schemas["SendNotification"], key: string): Promise<unknown> => unwrap(api.POST("/api/v1/notifications/send", { params: { header: { "Idempotency-Key": key } }, body }));
  const sending = useKeyed("POST /notifications/send", send, { onSuccess: () => setVersion((before) => before + 1) });
  const submit = (values: Record<string, string>): void => {
    const channel = CHANNELS.find((one) => one === values["/channel"]) ?? "email";
    sending.mutate({ user_id: user.id, channel, template: "message", data: { subject: values["/data/subject"] ?? "", text: values["/data/text"] ?? "" } });
  };
  return (
    <section>
      <h2>{c().customers.message}</h2>
      <Form version={version} submit={c().customers.send} isBusy={sending.isPending} error={sending.error} onSubmit={submit}>
        <Select name="/channel" label={c().customers.channel} required>
          {CHANNELS.map((channel) => (
            <option key={channel} value={channel}>
              {t().account.channels[channel]}
            </option>
          ))}
        </Select>
        <Field name="/data/subject" label={c().customers.subject} required />
        <TextArea name="/data/text" label={c().customers.text} required />
      </Form>
      <Saved isSaved={sending.isSuccess} text={c().customers.sent} />
    </section>
  );
}

const reload = (): Promise<void> => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "user" || queryKey[0] === "users" });

function AdminActions({ user }: { user: User }): JSX.Element {
  const path = { id: user.id };
  const isActive = user.status === "active";
  return (
    <section>
      <h2>{c().actions}</h2>
      <div class="actions">
        <Action
          label={isActive ? c().customers.disable : c().customers.enable}
          question={isActive ? c().customers.disableText : undefined}
          run={() => unwrap(api.PATCH("/api/v1/users/{id}/status", { params: { path }, body: { status: isActive ? "disabled" : "active" } }))}
          onDone={() => void reload()}
        />
        <Action label={c().customers.export} run={() => download(user.id)} />
        <Action label={c().customers.removeFactor} question={c().customers.removeFactorText} done={c().customers.factorRemoved} run={() => unwrap(api.DELETE("/api/v1/users/{id}/totp", { params: { path } }))} />
        <Action
          label={c().customers.erase}
          question={c().customers.eraseText}
          isDanger
          run={async () => {
            await unwrap(api.POST("/api/v1/users/{id}/erasure", { params: { path }, body: {} }));
            await reload();
          }}
        />
      </div>
      <Role user={user} />
    </section>
  );
}

const ROLES = ["customer", "staff", "admin"] as const;

function Role({ user }: { user: User }): JSX.Element {
  const changing = useMutation({
    mutationFn: (role: Schemas["PersonalRole"]) => unwrap(api.PUT("/api/v1/users/{id}/role", { params: { path: { id: user.id } }, body: { role } })),
    onSettled: reload,
  });
  const submit = (values: Record<string, string>): void => changing.mutate(ROLES.find((one) => one === values["/role"]) ?? "customer");
  return (
    <details class="box">
      <summary>{c().customers.changeRole}</summary>
      <Form submit={c().customers.changeRole} isBusy={changing.isPending} error={changing.error} onSubmit={submit}>
        <Select name="/role" label={c().customers.role} hint={c().customers.changeRoleHint} required>
          {ROLES.map((role) => (
            <option key={role} value={role} selected={role === user.role}>
              {c().codes.roles[role]}
            </option>
          ))}
        </Select>
      </Form>
      <Saved isSaved={changing.isSuccess} text={c().customers.roleChanged} />
    </details>
  );
}
