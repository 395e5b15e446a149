-- The texts of messages that staff wrote. Each edit is a row; the newest version applies.

CREATE TABLE notifications.message_templates (
    template  text        NOT NULL,
    locale    text        NOT NULL,
    version   bigint      NOT NULL CHECK (version > 0),
    -- Null, as all four, for the texts that are built in.
    subject   text,
    txt       text,
    html      text,
    short     text,
    reason    text        NOT NULL,
    edited_by uuid        NOT NULL,
    edited_at timestamptz NOT NULL,
    PRIMARY KEY (template, locale, version),
    CHECK (num_nulls(subject, txt, html, short) IN (0, 4))
);
