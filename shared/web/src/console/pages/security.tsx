import { useMutation } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../core/client.ts";
import { unwrap } from "../../core/problem.ts";
import { caller } from "../../core/session.ts";
import { Field, Form, Saved } from "../../ui/form.tsx";
import { Title } from "../../ui/page.tsx";
import { RecoveryCodes, SecondFactor } from "../../ui/second-factor.tsx";
import { c } from "../texts/index.ts";

export function SecurityPage(): JSX.Element {
  const id = caller.value?.id ?? "";
  const [version, setVersion] = useState(0);
  const [removals, setRemovals] = useState(0);
  const removing = useMutation({
    mutationFn: (body: Schemas["RemoveTotp"]) => unwrap(api.DELETE("/api/v1/users/{id}/totp", { params: { path: { id } }, body })),
    onSuccess: () => setRemovals((before) => before + 1),
  });
  return (
    <div class="sections">
      <Title>{c().security.title}</Title>
      <section>
        <h2>{c().security.factor}</h2>
        <p>{c().security.text}</p>
        <SecondFactor key={version} userId={id} texts={c().security} onDone={() => setVersion(version + 1)} />
      </section>
      <RenewCodes id={id} />
      <section>
        <h2>{c().security.remove}</h2>
        <Form
          version={removals}
          submit={c().security.remove}
          isBusy={removing.isPending}
          error={removing.error}
          onSubmit={(values) => removing.mutate({ current_password: values["/current_password"] ?? "", code: values["/code"]?.replaceAll(" ", "") ?? "" })}
        >
          <Field name="/current_password" label={c().security.password} type="password" autocomplete="current-password" required />
          <Field name="/code" label={c().security.code} inputMode="numeric" autocomplete="one-time-code" required />
        </Form>
        <Saved isSaved={removing.isSuccess} text={c().security.removed} />
      </section>
      <p>
        <a href="/account">{c().security.more}</a>
      </p>
    </div>
  );
}

/** Replaces recovery codes that are used up, or that somebody else may have seen. */
function RenewCodes({ id }: { id: string }): JSX.Element {
  // Not in the cache of mutations: codes are shown only once.
  const [codes, setCodes] = useState<string[] | null>(null);
  const renewing = useMutation({
    mutationFn: async (code: string) => setCodes((await unwrap(api.POST("/api/v1/users/{id}/totp/recovery-codes", { params: { path: { id } }, body: { code } }))).recovery_codes),
  });
  return (
    <section>
      {codes ? (
        <RecoveryCodes codes={codes} texts={c().security} onDone={() => setCodes(null)} />
      ) : (
        <>
          <h2>{c().security.renew}</h2>
          <p>{c().security.renewText}</p>
          <Form submit={c().security.renew} isBusy={renewing.isPending} error={renewing.error} onSubmit={(values) => renewing.mutate(values["/code"]?.replaceAll(" ", "") ?? "")}>
            <Field name="/code" label={c().security.code} inputMode="numeric" autocomplete="one-time-code" required />
          </Form>
        </>
      )}
    </section>
  );
}
