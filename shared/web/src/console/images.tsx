// Images of a product: uploaded to a presigned link, resized, shown.

import { useMutation, useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { api, queries, type Schemas } from "../core/client.ts";
import { t } from "../core/i18n/index.ts";
import { ApiError, unwrap } from "../core/problem.ts";
import { explain } from "../core/text.ts";
import { upload } from "../core/upload.ts";
import { Action } from "../ui/action.tsx";
import { Saved } from "../ui/form.tsx";
import { Loaded } from "../ui/page.tsx";
import { Picture } from "../ui/picture.tsx";
import { images, type Product } from "./reads.ts";
import { c } from "./texts/index.ts";

const TYPES = ["image/jpeg", "image/png", "image/webp"] as const;

async function add(product: string, file: File): Promise<void> {
  const content_type = TYPES.find((type) => type === file.type) ?? (file.type as Schemas["MediaType"]);
  const body = { content_type, size: file.size };
  const header = { "Idempotency-Key": crypto.randomUUID() };
  const link = await unwrap(api.POST("/api/v1/products/{id}/images", { params: { path: { id: product }, header }, body }));
  await upload({ url: link.upload_url, headers: link.headers }, file);
}

export function Images({ product }: { product: Product }): JSX.Element {
  const query = useQuery(images(product.id));
  const [removed, setRemoved] = useState(0);
  const reload = (): Promise<void> => queries.invalidateQueries({ queryKey: ["images", product.id] });
  return (
    <section>
      <h2>{c().products.images}</h2>
      <Loaded query={query}>
        {(items) =>
          items.length === 0 ? (
            <p class="hint">{c().none}</p>
          ) : (
            <ul class="cards">
              {items.map((image, index) => (
                <li key={image.id}>
                  {image.url ? <Picture source={image.url} name={c().products.imageOf(product.name)} size="small" /> : <p class="hint">{image.reason ? (c().codes.imageReasons[image.reason] ?? image.reason) : (c().codes.imageStatuses[image.status] ?? image.status)}</p>}
                  <Action
                    label={c().products.remove}
                    about={t().product.picture(product.name, index + 1)}
                    question={c().products.removeText}
                    done=""
                    isDanger
                    run={() => unwrap(api.DELETE("/api/v1/products/{id}/images/{image_id}", { params: { path: { id: product.id, image_id: image.id } } }))}
                    onDone={() => {
                      setRemoved((before) => before + 1);
                      void reload();
                    }}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {/* Outside of the list, which has lost the image by then. */}
      <Saved isSaved={removed > 0} text={t().done} times={removed} />
      <Upload product={product.id} onSettled={reload} />
    </section>
  );
}

/** One image at a time: the input refuses another one until it is uploaded. */
function Upload({ product, onSettled }: { product: string; onSettled: () => Promise<void> }): JSX.Element {
  const id = useId();
  const uploading = useMutation({ mutationFn: (file: File) => add(product, file), onSettled });
  const choose = (input: HTMLInputElement): void => {
    const [file] = input.files ?? [];
    if (file) uploading.mutate(file);
    input.value = "";
  };
  // By a click or a drop: `disabled` would take the focus from the input.
  const refuseWhileBusy = (event: Event): void => {
    if (uploading.isPending) event.preventDefault();
  };
  return (
    <>
      <div class="field">
        <label for={id}>{c().products.upload}</label>
        <input
          id={id}
          type="file"
          accept={TYPES.join(",")}
          aria-describedby={`${id}-hint`}
          aria-disabled={uploading.isPending}
          onClick={refuseWhileBusy}
          onDrop={refuseWhileBusy}
          onChange={(event) => choose(event.currentTarget)}
        />
        <p id={`${id}-hint`} class="hint">
          {c().products.uploadHint}
        </p>
      </div>
      <div role="status">{uploading.isPending ? <p>{c().products.uploading}</p> : uploading.isSuccess && <p class="hint">{t().done}</p>}</div>
      <div role="alert">{uploading.error && <p class="error">{uploading.error instanceof ApiError && uploading.error.problem ? explain(uploading.error) : c().products.uploadFailed}</p>}</div>
    </>
  );
}
