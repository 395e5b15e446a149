-- The products as they are listed and searched. The table of the catalogue in DynamoDB decides what a product is; these rows are a copy,
-- fed by events.

-- pg_trgm finds names with typos. It has a schema of its own, because a context's functions are not for everyone.
CREATE SCHEMA extensions;
CREATE EXTENSION pg_trgm WITH SCHEMA extensions;

CREATE TABLE catalogue.products (
    product_id     uuid        PRIMARY KEY,
    -- The version of the product that the columns up to updated_at are from. 0: only the stock figure is known.
    version        bigint      NOT NULL DEFAULT 0 CHECK (version >= 0),
    active         boolean     NOT NULL DEFAULT false,
    sku            text        NOT NULL DEFAULT '',
    name           text        NOT NULL DEFAULT '',
    description    text        NOT NULL DEFAULT '',
    category       text        NOT NULL DEFAULT '',
    price          bigint      NOT NULL DEFAULT 0 CHECK (price >= 0),
    currency       text        NOT NULL DEFAULT '',
    -- The images that can be shown. They are only ever read together with the product.
    images         jsonb       NOT NULL DEFAULT '[]',
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    -- Available units as last reported by the inventory, and the version of the stock level that they are from.
    stock_quantity bigint      NOT NULL DEFAULT 0,
    stock_version  bigint      NOT NULL DEFAULT 0 CHECK (stock_version >= 0),
    -- Words without punctuation, so that they are those that a search text is split into.
    search         tsvector    NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, regexp_replace(name, '[^[:alnum:]]+', ' ', 'g')), 'A')
            || setweight(to_tsvector('simple'::regconfig, regexp_replace(sku || ' ' || category, '[^[:alnum:]]+', ' ', 'g')), 'B')
            || setweight(to_tsvector('simple'::regconfig, regexp_replace(description, '[^[:alnum:]]+', ' ', 'g')), 'D')
    ) STORED
);

-- One index for each order of the list; the one by category also counts the products of each category.
CREATE INDEX products_newest ON catalogue.products (created_at, product_id) WHERE active;
CREATE INDEX products_by_category ON catalogue.products (category, created_at, product_id) WHERE active;
CREATE INDEX products_by_price ON catalogue.products (price, product_id) WHERE active;
CREATE INDEX products_by_name ON catalogue.products (lower(name), product_id) WHERE active;
CREATE INDEX products_words ON catalogue.products USING gin (search) WHERE active;
CREATE INDEX products_similar ON catalogue.products USING gin (name extensions.gin_trgm_ops) WHERE active;

-- The price of every version of a product. Kept as long as the product: staff make them, one by one.
CREATE TABLE catalogue.product_prices (
    product_id uuid        NOT NULL,
    version    bigint      NOT NULL CHECK (version > 0),
    price      bigint      NOT NULL CHECK (price >= 0),
    currency   text        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (product_id, version)
);

-- Lowers, for the transaction, the similarity from which a word counts as another one with a typo. A function, because a proxy pins a
-- connection whose statement sets a parameter. Four letters of which two are swapped have 0.4.
CREATE FUNCTION catalogue.tolerate_typos() RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT set_config('pg_trgm.word_similarity_threshold', '0.4', true) IS NOT NULL;
$$;

-- How far product-sweep has come in the changes of the products table.
CREATE TABLE catalogue.product_sweep (
    is_only       boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    hour          timestamptz NOT NULL,
    -- The last product of a page; NULL at the beginning of the hour.
    after_product uuid
);

-- Imports and exports of products, and how far each has come. A function takes on one that is due, for a time, and whoever took it on last
-- stores what it did.
CREATE TABLE catalogue.jobs (
    id         uuid        PRIMARY KEY,
    kind       text        NOT NULL CHECK (kind IN ('import', 'export')),
    is_open    boolean     NOT NULL,
    due_at     timestamptz NOT NULL,
    -- How often it was taken on.
    turn       bigint      NOT NULL DEFAULT 0 CHECK (turn >= 0),
    created_at timestamptz NOT NULL,
    job        jsonb       NOT NULL
);

CREATE INDEX jobs_due ON catalogue.jobs (kind, due_at, id) WHERE is_open;
CREATE INDEX jobs_listed ON catalogue.jobs (kind, id);
CREATE INDEX jobs_created ON catalogue.jobs (created_at);
