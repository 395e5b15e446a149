-- Records: measurements and other data that service clients send in large numbers, and where they are.

CREATE TABLE records.sources (
    name           text        COLLATE "C" PRIMARY KEY,
    status         text        NOT NULL CHECK (status IN ('open', 'closed')),
    -- The service clients that may write and read its records; staff always may.
    writers        uuid[]      NOT NULL,
    -- The version of its schema against which new records are checked.
    schema_version integer     NOT NULL CHECK (schema_version > 0),
    created_at     timestamptz NOT NULL,
    closed_at      timestamptz
);

-- Every version of the JSON Schema of a source: records name the one that accepted them.
CREATE TABLE records.source_schemas (
    source     text        COLLATE "C" NOT NULL REFERENCES records.sources,
    version    integer     NOT NULL CHECK (version > 0),
    schema     jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (source, version)
);

-- The time of a record is in its id (UUIDv7), so that the ids of a day are a range: a partition has one day, and one index serves reads by
-- id and by time. No foreign key: a record that was accepted is written, whatever became of its source.
CREATE TABLE records.records (
    id             uuid        NOT NULL,
    received_at    timestamptz NOT NULL,
    schema_version integer     NOT NULL,
    source         text        COLLATE "C" NOT NULL,
    -- JSON as text: nothing looks into it here, and text is written and read without being parsed.
    payload        text        NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX records_of_source ON records.records (source, id);

-- The days that have, or had, a partition.
CREATE TABLE records.partitions (
    day   date PRIMARY KEY,
    -- `open` days are written to. `closed` ones are read and being copied to the archive. The records of `archived` ones are in the files that
    -- `archived` names, and nowhere else.
    state text NOT NULL CHECK (state IN ('open', 'closed', 'archived'))
);

-- The files of the archive, each with a range of the ids of a day.
CREATE TABLE records.archived (
    day        date    NOT NULL REFERENCES records.partitions,
    part       integer NOT NULL CHECK (part > 0),
    object_key text    NOT NULL,
    first_id   uuid    NOT NULL,
    last_id    uuid    NOT NULL,
    records    bigint  NOT NULL CHECK (records > 0),
    bytes      bigint  NOT NULL,
    PRIMARY KEY (day, part)
);

-- How many records of a source are of each hour (UTC), and the bytes of their payloads.
CREATE TABLE records.rollups (
    source  text        COLLATE "C" NOT NULL,
    hour    timestamptz NOT NULL,
    records bigint      NOT NULL,
    bytes   bigint      NOT NULL,
    PRIMARY KEY (source, hour)
);
-- For retention.
CREATE INDEX rollups_age ON records.rollups (hour);

-- Up to where each partition of the topic is written: the offset that comes next. The distance to the end of the topic is the backlog.
CREATE TABLE records.positions (
    partition   integer PRIMARY KEY,
    next_offset bigint  NOT NULL
);

-- The least id of a time.
CREATE FUNCTION records.least_id(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rpad(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
$$;

-- The functions below change partitions with the rights of the owner of the database: the role that writes records may not create or drop
-- tables, and could otherwise drop those that it owns.

-- Makes the partition of a day unless there is, or was, one. Returns the state of the day. Attaching locks neither readers nor writers out, as
-- `CREATE TABLE … PARTITION OF` would. Two at once: the second waits for the first, and then does nothing.
CREATE FUNCTION records.open_day(wanted date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition text := 'records_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    INSERT INTO records.partitions (day, state) VALUES (wanted, 'open') ON CONFLICT DO NOTHING;
    IF FOUND THEN
        -- A bound on what the role can create, far above the days of the retention.
        IF (SELECT count(*) FROM records.partitions WHERE state <> 'archived') > 400 THEN
            RAISE EXCEPTION 'too many days have a partition';
        END IF;
        EXECUTE format('CREATE TABLE records.%I (LIKE records.records INCLUDING DEFAULTS)', partition);
        EXECUTE format(
            'ALTER TABLE records.records ATTACH PARTITION records.%I FOR VALUES FROM (%L) TO (%L)',
            partition,
            records.least_id(wanted::timestamp AT TIME ZONE 'UTC'),
            records.least_id((wanted + 1)::timestamp AT TIME ZONE 'UTC')
        );
    END IF;
    RETURN (SELECT state FROM records.partitions WHERE day = wanted);
END;
$$;

-- Lets nothing be written to a day any more. The constraint is not validated, so that it holds for new rows alone.
CREATE FUNCTION records.close_day(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
BEGIN
    UPDATE records.partitions SET state = 'closed' WHERE day = wanted AND state = 'open';
    IF FOUND THEN
        EXECUTE format(
            'ALTER TABLE records.%I ADD CONSTRAINT closed CHECK (false) NOT VALID', 'records_' || to_char(wanted, 'YYYYMMDD')
        );
    END IF;
END;
$$;

-- Drops the partition of a closed day whose records are all in the archive; in one step, so that a reader finds them in one place. Detaching
-- needs the table for itself for a moment: if it does not get it within a second, the day stays as it is.
CREATE FUNCTION records.drop_day(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    partition text := 'records_' || to_char(wanted, 'YYYYMMDD');
    archived_to uuid := coalesce(
        (SELECT last_id FROM records.archived WHERE day = wanted ORDER BY part DESC LIMIT 1),
        records.least_id(wanted::timestamp AT TIME ZONE 'UTC')
    );
    missing boolean;
BEGIN
    UPDATE records.partitions SET state = 'archived' WHERE day = wanted AND state = 'closed';
    IF FOUND THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM records.%I WHERE id > $1)', partition) INTO missing USING archived_to;
        IF missing THEN
            RAISE EXCEPTION 'records of % are not in the archive', wanted;
        END IF;
        EXECUTE format('ALTER TABLE records.records DETACH PARTITION records.%I', partition);
        EXECUTE format('DROP TABLE records.%I', partition);
    END IF;
END;
$$;
